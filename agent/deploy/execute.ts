// Carries out what was decided: hands the rendered file to Compose, waits, records. Asks nothing, decides nothing.
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import type { RegistryLogin } from '#shared/model.ts';
import { CONFIG_HASH_LABEL } from '../docker/container-view.ts';
import type { UpPart } from '../docker/compose.ts';
import type { ComposeEvent } from '../docker/progress.ts';
import type { Container } from '../docker/engine.ts';
import type { HealthCheck } from '../health/health-check.ts';
import { settleAdopted } from './adoption/settle.ts';
import { inputsOf } from './attempt.ts';
import { expectedAfter, snapshotOf, type Snapshot } from '../drift/snapshot.ts';
import { findCulprit } from './evidence.ts';
import { findImages, recordImages } from './images.ts';
import { isFinished } from './observe.ts';
import { mendLeftovers, unpause } from './leftovers.ts';
import { sha256, type Rendered } from './rendered.ts';
import { recordRevision, type RevisionMeta } from './revisions/revisions.ts';
import { retried, type Say, type Task } from './task.ts';
import { waitReady, type WaitScope } from './wait.ts';
import type { Sources } from './workspace.ts';

const BUILD_DEADLINE_MS = 30 * 60_000;
/** On top of the health timeout: `up` itself waits for dependencies and for old containers to stop. */
const UP_MARGIN_MS = 5 * 60_000;

export async function build(task: Task, rendered: Rendered, isFresh: boolean, say: Say): Promise<void> {
  await task.workspace.writeRendered(rendered);
  const work = () =>
    task.deps.compose.build(task.project, {
      ...runOf(task, say),
      deadlineMs: BUILD_DEADLINE_MS,
      pull: isFresh,
      logins: loginsOf(task),
    });
  await retried(say, work).finally(() => task.deps.onBuilt());
}

/** What the operator is logged in to by hand is for the operator's services that bring no login, never for strangers'. */
function loginsOf({ run, isStranger }: Task): readonly RegistryLogin[] | null {
  const { registries = [] } = run.service.spec;
  return !isStranger && registries.length === 0 ? null : registries;
}

/** Brings all containers to what `rendered` says. Fails as `up` does. */
export async function apply(task: Task, rendered: Rendered, say: Say): Promise<void> {
  const only = await handOver(task, rendered, say);
  await up(task, rendered, say, { only });
}

/** Sees to adopted containers; what is left is Compose's. Undefined: all services. */
export async function handOver(task: Task, rendered: Rendered, say: Say): Promise<readonly string[] | undefined> {
  const left = await settleAdopted(task, rendered, say);
  await task.workspace.writeRendered(rendered);
  if (left && left.anew.length > 0) await up(task, rendered, say, { only: left.anew, isForced: true });
  return left?.only;
}

/** Runs Compose on what is written. Fails with the container's own fault where one is to blame. */
export async function up(task: Task, rendered: Rendered, say: Say, part: UpPart): Promise<void> {
  const deadlineMs = task.healthTimeoutMs + UP_MARGIN_MS;
  try {
    await retried(say, async () => {
      const run = () => task.deps.compose.up(task.project, { ...runOf(task, say), ...part, deadlineMs });
      await unpause(task);
      await mendLeftovers(task);
      await run();
      if (await mendLeftovers(task)) await run();
    });
  } catch (error) {
    const isVague = error instanceof LongshoreError && error.code === 'apply_failed';
    throw (isVague && (await findCulprit(task.deps.engine, rendered.name, error))) || error;
  }
}

const runOf = ({ workspace, run }: Task, say: Say) => ({
  files: [workspace.renderedFile],
  envFile: workspace.envFile,
  signal: run.signal,
  onEvent: (event: ComposeEvent) => {
    const message = describe(event);
    if (message !== '') say({ message });
  },
});

/** A line for the job's log; empty for what says nothing new. */
function describe(event: ComposeEvent): string {
  if (event.kind === 'object') return `${event.type} ${event.name} ${event.status}`;
  if (event.kind === 'build') return event.state === 'started' ? event.vertex : '';
  return event.kind === 'build.log' ? event.text.trimEnd() : event.message;
}

export const awaitReady = (task: Task, rendered: Rendered, say: Say, scope: WaitScope = {}): Promise<Container[]> =>
  waitReady(task.deps, { ...scope, rendered, timeoutMs: task.healthTimeoutMs, signal: task.run.signal, say });

export interface Outcome {
  sources: Sources;
  rendered: Rendered;
  containers: readonly Container[];
  plan: PlanStep[];
  healthChecks: HealthCheck[];
  /** How the containers of the good revision before it were set up. */
  before: Snapshot | undefined;
}

/** Writes the revision down, to the digest. */
export async function record(task: Task, outcome: Outcome): Promise<void> {
  const { sources, rendered, containers, plan, healthChecks, before } = outcome;
  const { spec } = task.run.service;
  const { engine } = task.deps;
  const [found, live] = await Promise.all([findImages(engine, rendered), engine.describeProject(task.workspace.name)]);
  await recordRevision(task.workspace, {
    sources,
    rendered,
    live: expectedAfter(before, snapshotOf(live)),
    meta: {
      revision: spec.revision,
      serviceId: spec.id,
      jobId: task.run.offer.jobId,
      inputs: inputsOf(spec),
      variablesHash: sha256(sources.env),
      commit: task.checkout?.commit,
      images: recordImages(rendered, found),
      ...standingOf(containers),
      healthChecks,
      plan,
      recordedAt: task.deps.clock.now(),
    },
  });
}

/** What a revision remembers of its containers. */
export const standingOf = (containers: readonly Container[]): Pick<RevisionMeta, 'hashes' | 'finished'> => ({
  hashes: Object.fromEntries(containers.map(({ service, labels }) => [service, labels[CONFIG_HASH_LABEL] ?? ''])),
  finished: [...new Set(containers.filter(isFinished).map(({ service }) => service))],
});
