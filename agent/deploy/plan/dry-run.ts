// Answers what a deploy would do, with nothing happening: see look.ts. Git fetches into the scratch folder; what an AI says
// is kept beside the services, so that the deploy which follows takes the same.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import { redactError, redactorOf } from '../../jobs/redact.ts';
import { secretsOf } from '../../secrets/mask.ts';
import type { ServiceRecord } from '../../state/services.ts';
import { plannedProposals } from '../ai/kept-proposal.ts';
import type { AskAi } from '../ai/question.ts';
import { requireReview } from '../ai/review.ts';
import type { ExecutorDeps } from '../executor.ts';
import type { JobRun, StepRunner } from '../job-run.ts';
import { Task } from '../task.ts';
import { fetchInto, look, type Site } from './look.ts';
import { withScratch } from './scratch.ts';

export interface DryRunDeps extends ExecutorDeps {
  services: { find(id: string): ServiceRecord | undefined; secretsOf(id: string): string[] };
}

export interface Question {
  spec: ServiceSpec;
  /** Default: what the file says, else what is missing. */
  pull?: PullPolicy | undefined;
  /** Control's leave to ask the AI. */
  grant?: string | undefined;
  /** Of the proposal that waits, which is planned as it was shown. */
  approves?: string | undefined;
  /** Its volumes would be filled from a backup: restic must be there. */
  bringsBackup?: boolean | undefined;
}

/** Fails as a deploy would; what the policy refuses and what stands in the way is listed instead. */
export async function dryRun(deps: DryRunDeps, question: Question, signal: AbortSignal): Promise<DeployPlan> {
  const { spec, grant } = question;
  requireLeave(question);
  if (question.bringsBackup === true) await deps.backups.requireRestic();
  const known = deps.services.find(spec.id);
  const secrets = [...secretsOf(spec), ...deps.services.secretsOf(spec.id)];
  const run = runOf(spec, known?.goodRevision ?? null, signal);
  const askAi: AskAi = (asked, stopped) => deps.askAi({ ...asked, grant }, stopped);
  const asking = { ...deps, askAi };
  try {
    return await withScratch(deps.dataDir, async (dataDir) => {
      const site = await openSite(new Task(asking, run), new Task({ ...asking, dataDir }, run), question);
      return (await look({ ...site, secrets })).plan;
    });
  } catch (error) {
    throw redactError(toLongshoreError(error), redactorOf(secrets));
  }
}

/** Control would not answer a question of such a plan. */
function requireLeave({ spec, grant, approves }: Question): void {
  if (spec.method !== 'ai' || grant !== undefined || approves !== undefined) return;
  throw new LongshoreError('not_supported', { details: 'The control plane is too old to plan an AI deploy' });
}

async function openSite(real: Task, scratch: Task, { spec, pull, approves }: Question): Promise<Omit<Site, 'secrets'>> {
  const { workspace, deps } = real;
  scratch.proposals = plannedProposals({ workspace, dataDir: deps.dataDir, spec });
  const site: Omit<Site, 'secrets'> = { real, scratch, pull, step: inSilence, refuse: () => undefined };
  if (approves === undefined) return site;
  real.approved = scratch.approved = await requireReview(workspace, approves);
  return { ...site, fetch: fetchInto(real) };
}

const inSilence: Site['step'] = (_name, work) => work(() => undefined);

const runOf = (spec: ServiceSpec, goodRevision: number | null, signal: AbortSignal): JobRun => ({
  offer: { jobId: '', serviceId: spec.id, kind: 'deploy', epoch: 0 },
  service: { spec, goodRevision },
  steps: SILENT,
  signal,
});

/** Nobody watches: what a plan finds is its answer. */
const SILENT: StepRunner = {
  run: (_step, work) => work(() => undefined),
  skip: () => undefined,
  interruptedAt: () => undefined,
};
