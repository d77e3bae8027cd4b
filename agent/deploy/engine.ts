// Carries out jobs: the one implementation of ExecuteJob. Which work a kind means is a table; how a job may end is here.
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { JobKind } from '#shared/jobs.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';
import { reapOrphans } from '../docker/orphan.ts';
import { backup } from '../backup/backup.ts';
import { restore } from '../backup/restore.ts';
import { redactorOf } from '../jobs/redact.ts';
import { deploy } from './deploy.ts';
import type { Executor, ExecutorDeps, Observation } from './executor.ts';
import type { JobOutcome, JobRun } from './job-run.ts';
import { healthOf, lifecycleOf, type Desired } from './observe.ts';
import { restart, start, stop } from './operate.ts';
import { remove } from './remove.ts';
import { rollback } from './revisions/rollback.ts';
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

/** Work that leaves the good revision as it is. */
const keepingRevision =
  (work: (task: Task) => Promise<void>) =>
  async (task: Task): Promise<JobOutcome> => {
    await work(task);
    return { state: 'succeeded', goodRevision: task.run.service.goodRevision };
  };

const WORK: Record<Exclude<JobKind, 'forget_backup'>, (task: Task) => Promise<JobOutcome>> = {
  deploy,
  redeploy: deploy,
  rollback,
  adopt: async (task) => {
    const { adopt } = await import('./adoption/adopt.ts'); // most agents never do
    return adopt(task);
  },
  revert: async (task) => {
    const { revert } = await import('./drift/revert.ts'); // most agents never do
    return revert(task);
  },
  accept: async (task) => {
    const { accept } = await import('./drift/accept.ts'); // most agents never do
    return accept(task);
  },
  propose: async (task) => {
    const { propose } = await import('./plan/propose.ts'); // most agents never do
    return propose(task);
  },
  start: keepingRevision(start),
  stop: keepingRevision(stop),
  restart: keepingRevision(restart),
  remove: async (task) => {
    await remove(task);
    return { state: 'succeeded', goodRevision: null };
  },
  backup,
  restore: keepingRevision(restore),
};

async function execute(deps: ExecutorDeps, run: JobRun, reaped: Set<string>): Promise<JobOutcome> {
  const { goodRevision } = run.service;
  try {
    const { kind } = run.offer;
    if (kind === 'forget_backup')
      throw new LongshoreError('unsupported', { details: `"${kind}" is no work on a service` });
    const task = new Task(deps, run);
    await reapOnce(task, reaped);
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
