// What a deploy would do, found out without doing anything: the first half of a deploy in a scratch folder, against what
// is on this host now. The service's own folder is read, never written; nothing of Docker changes; git fetches into the
// scratch folder.
import { basename, join, relative } from 'node:path';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Finding } from '#shared/compose/policy.ts';
import type { PullPolicy, ServiceSpec } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import type { Container } from '../../docker/engine.ts';
import { redactError, redactorOf, type Redact } from '../../jobs/redact.ts';
import { hideIn } from '../../secrets/hide.ts';
import { secretsOf } from '../../secrets/mask.ts';
import type { ServiceRecord } from '../../state/services.ts';
import { complete, dockerFacts, draft, judge, normalise } from '../attempt.ts';
import { keepData, type Checkout } from '../git/checkouts.ts';
import { CONFIG_HASH_LABEL } from '../execute.ts';
import type { ExecutorDeps } from '../executor.ts';
import { findImages, idsOf, pullsOf, type FoundImages } from '../images.ts';
import type { JobRun, StepRunner } from '../job-run.ts';
import { toDowntime, toImages, toPorts, toServices, toVolumes } from './outlook.ts';
import { planDeploy, planNothing } from './plan.ts';
import { preflight } from './preflight.ts';
import { sha256, type Rendered } from '../rendered.ts';
import { loadRevision, type Revision } from '../revisions/revisions.ts';
import { imitate, relocate, withScratch } from './scratch.ts';
import { Task } from '../task.ts';
import { isRepeat } from './unchanged.ts';
import type { Sources } from '../workspace.ts';

export interface DryRunDeps extends ExecutorDeps {
  services: { find(id: string): ServiceRecord | undefined; secretsOf(id: string): string[] };
}

export interface Question {
  spec: ServiceSpec;
  /** Default: what the file says, else what is missing. */
  pull?: PullPolicy | undefined;
}

/** Where a plan is worked out. */
interface Site {
  /** The service's own folder: only read. */
  real: Task;
  scratch: Task;
  question: Question;
  /** Of this service, now and before. */
  secrets: readonly string[];
}

/** Fails as a deploy would; what the policy refuses and what stands in the way is listed instead. */
export async function dryRun(deps: DryRunDeps, question: Question, signal: AbortSignal): Promise<DeployPlan> {
  const { spec } = question;
  const known = deps.services.find(spec.id);
  const secrets = [...secretsOf(spec), ...deps.services.secretsOf(spec.id)];
  const redact = redactorOf(secrets);
  const run = runOf(spec, known?.goodRevision ?? null, signal);
  try {
    return await withScratch(deps.dataDir, async (dataDir) => {
      const [real, scratch] = [new Task(deps, run), new Task({ ...deps, dataDir }, run)];
      return redactPlan(await look({ real, scratch, question, secrets }), redact);
    });
  } catch (error) {
    throw redactError(toLongshoreError(error), redact);
  }
}

async function look(site: Site): Promise<DeployPlan> {
  const { real, scratch, question } = site;
  if (question.spec.method === 'ai')
    throw new LongshoreError('not_supported', { details: 'What an AI would propose cannot be planned' });
  const good = await loadGood(real);
  if (good && (await isRepeat(real, good, question.pull)))
    return weigh(site, good.rendered, [], ({ desired }) => planNothing(desired));
  const { document, sources } = await draft(scratch, () => undefined);
  real.checkout = scratch.checkout && inPlace(scratch.checkout, real);
  const written = judge(real, document, 'written');
  // Compose would read files that it must not.
  if (written.length > 0) return { ...NOTHING, findings: written, digest: sha256(JSON.stringify(written)) };
  const rendered = await render(site, sources, Object.keys(good?.sources.files ?? {}));
  const findings = judge(real, { root: rendered, services: rendered.services }, 'normalised');
  const { cpus } = await dockerFacts(real);
  return weigh(site, complete(real, rendered, cpus), findings);
}

function loadGood({ run, workspace }: Task): Promise<Revision | undefined> | undefined {
  const { goodRevision } = run.service;
  return goodRevision === null ? undefined : loadRevision(workspace, goodRevision);
}

/** Where the deploy would have the commit. */
const inPlace = ({ commit, directory, folder }: Checkout, { workspace }: Task): Checkout => {
  const real = join(workspace.checkouts, basename(directory));
  return { commit, directory: real, folder: join(real, relative(directory, folder)) };
};

async function render({ real, scratch }: Site, sources: Sources, obsolete: readonly string[]): Promise<Rendered> {
  await imitate(real.workspace, scratch.workspace, sources, obsolete);
  const normalised = await normalise(scratch, () => undefined);
  const kept = scratch.checkout ? keepData(normalised, scratch.checkout, real.workspace.data) : normalised;
  return relocate(kept, scratch.workspace, real.workspace);
}

/** `desired` against what is here. */
async function weigh(
  { real, question, secrets }: Site,
  desired: Rendered,
  findings: Finding[],
  decide = planDeploy,
): Promise<DeployPlan> {
  const { deps, workspace, checkout } = real;
  const { engine } = deps;
  const { spec, pull } = question;
  const asked = [engine.listProject(workspace.name), engine.listAll(), dockerFacts(real)] as const;
  const [containers, all, docker] = await Promise.all(asked);
  const [made, found, volumes] = await Promise.all([
    workspace.loadRendered(),
    findImages(engine, desired),
    engine.listVolumes(workspace.name).then((list) => list.map(({ name }) => name)),
  ]);
  const steps = decide({ desired, made, containers, imageIds: idsOf(found) });
  const pulled = pullsOf(desired, found, pull).map(({ reference }) => reference);
  const here = { folder: workspace.directory, wasApplied: workspace.wasApplied, containers, all };
  const wanted = { serviceId: spec.id, desired, steps, found, pulled, logins: spec.registries ?? [] };
  const commit = checkout?.commit ?? null;
  return {
    services: toServices(steps, { made, desired }, hideIn(secrets)),
    images: toImages(desired, found, new Set(pulled)),
    ports: toPorts(desired),
    volumes: toVolumes(desired, volumes),
    downtime: toDowntime(steps, containers),
    findings,
    preflight: await preflight({ engine, docker, ...here, ...wanted }),
    commit,
    digest: sha256(JSON.stringify([desired, pull ?? null, commit, stateOf({ made, containers, found, volumes })])),
  };
}

interface Observed {
  made: Rendered | undefined;
  containers: readonly Container[];
  found: FoundImages;
  volumes: readonly string[];
}

/** All that a deploy decides by. */
const stateOf = ({ made, containers, found, volumes }: Observed): unknown => [
  made ?? null,
  containers.map(({ id, service, imageId, state, labels }) => [id, service, imageId, state, labels[CONFIG_HASH_LABEL]]),
  Object.entries(idsOf(found)),
  volumes.toSorted(),
];

/** Texts that may quote a name, and a variable may stand in a name. Values of fields are hidden already. */
const redactPlan = (plan: DeployPlan, redact: Redact): DeployPlan => ({
  ...plan,
  services: plan.services.map((service) => ({ ...service, reason: redact(service.reason) })),
  images: plan.images.map((image) => ({ ...image, reference: redact(image.reference) })),
  findings: plan.findings.map((finding) => ({ ...finding, message: redact(finding.message) })),
  preflight: plan.preflight.map((item) => ({ ...item, message: redact(item.message) })),
});

const NOTHING: Omit<DeployPlan, 'findings' | 'digest'> = {
  services: [],
  images: [],
  ports: [],
  volumes: [],
  downtime: [],
  preflight: [],
  commit: null,
};

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
