// Carries out jobs: the one implementation of ExecuteJob. Which work a kind means is in kinds.ts, how a job may end is here.
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';
import { reapOrphans } from '../docker/orphan.ts';
import { redactorOf } from '../jobs/redact.ts';
import type { Executor, ExecutorDeps, Observation } from './executor.ts';
import type { JobOutcome, JobRun } from './job-run.ts';
import { healthOf, lifecycleOf, type Desired } from './observe.ts';
import { Task } from './task.ts';

export type { Executor, ExecutorDeps, Observation } from './executor.ts';

export function createExecutor(deps: ExecutorDeps): Executor {
  const reaped = new Set<string>();
  return {
    execute: async (run) => {
      const outcome = await execute(deps, run, reaped);
      if (outcome.state !== 'succeeded') logFault(deps, run, outcome.error);
      return outcome;
    },
    observe: (service, desired) => observe(deps, service, desired),
  };
}

async function execute(deps: ExecutorDeps, run: JobRun, reaped: Set<string>): Promise<JobOutcome> {
  const { goodRevision } = run.service;
  try {
    const { kind } = run.offer;
    if (kind === 'forget_backup')
      throw new LongshoreError('unsupported', { details: `"${kind}" is no work on a service` });
    const task = new Task(deps, run);
    await reapOnce(task, reaped);
    const { WORK } = await import('./kinds.ts'); // a quarter of the program, and nothing to an agent at rest
    return await WORK[kind](task);
  } catch (error) {
    if (!run.signal.aborted) return { state: 'failed', error: toLongshoreError(error), goodRevision };
    const reason: unknown = run.signal.reason;
    if (reason instanceof LongshoreError) return { state: 'cancelled', error: reason, goodRevision };
    throw reason; // shutdown: the journal knows, the next start goes on
  }
}

/** What travels says no more than that it was ours: only here is the reason told. */
function logFault({ services, log }: ExecutorDeps, { offer, service }: JobRun, { code, cause }: LongshoreError): void {
  if (code !== 'internal') return;
  const redact = redactorOf(services.secretsOf(service.spec.id));
  log.error(
    { job: offer.jobId, service: service.spec.name, cause: redact(inspect(cause)) },
    'a job met a fault of ours',
  );
}

/** An agent that was killed may have left a compose process in this folder; it must be gone before ours begins. */
async function reapOnce({ deps, workspace, project }: Task, reaped: Set<string>): Promise<void> {
  if (reaped.has(workspace.directory)) return;
  const count = existsSync(workspace.directory) ? await reapOrphans(project.directory) : 0;
  reaped.add(workspace.directory);
  if (count > 0) deps.log.warn({ service: workspace.name, count }, 'ended what an earlier agent left running');
}

async function observe(
  { engine, clock }: ExecutorDeps,
  { id, name }: { id: string; name: string },
  desired: Desired,
): Promise<Observation> {
  const all = await engine.listProject(name);
  const containers = all.filter(({ labels }) => labels[SERVICE_LABEL] === id);
  return { ...lifecycleOf(containers, desired), health: healthOf(containers, clock.now()), containers };
}
