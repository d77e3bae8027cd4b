// start, stop and restart of what is deployed, by Docker's API and in the order of dependencies: no process is started,
// so that a restart costs what Docker's own call costs.
import { LongshoreError } from '#shared/errors.ts';
import { SERVICE_LABEL, type Container, type Engine } from '../docker/engine.ts';
import { apply, awaitReady } from './execute.ts';
import { isFinished } from './observe.ts';
import { graceMsOf, levelsOf, replicasOf, type Rendered } from './rendered.ts';
import { loadRevision, type Revision } from './revisions/revisions.ts';
import type { Say, Task } from './task.ts';

/** What is known of a deployed service: its containers, the file they were made from, the good revision. */
interface Deployed {
  containers: Container[];
  rendered: Rendered | undefined;
  good: Revision | undefined;
}

export async function start(task: Task): Promise<void> {
  await task.step('start', async (say) => {
    const deployed = await load(task);
    if (deployed.good && hasGaps(deployed)) return recreate(task, deployed.good, say);
    requireContainers(task, deployed);
    const idle = withoutDoneWork(deployed).filter(({ state }) => state !== 'running');
    for (const level of inLevels(idle, deployed.rendered)) {
      await waitForDependencies(task, level, deployed.rendered, say);
      await Promise.all(level.map((one) => wake(task.deps.engine, one)));
    }
  });
}

const wake = (engine: Engine, { id, state }: Container): Promise<void> =>
  state === 'paused' ? engine.unpauseContainer(id) : engine.startContainer(id);

const isMeantToRun = ({ state }: Container) => state === 'running' || state === 'restarting' || state === 'paused';

export async function stop(task: Task): Promise<void> {
  await task.step('stop', async () => {
    const deployed = await load(task);
    for (const level of inLevels(deployed.containers.filter(isMeantToRun), deployed.rendered).toReversed()) {
      await Promise.all(level.map((one) => task.deps.engine.stopContainer(one.id, graceOf(one, deployed.rendered))));
    }
  });
}

/** Starts exactly these again, in order. Also after a cancel: whoever stopped them for work of their own owes them that. */
export async function startAgain(task: Task, ids: readonly string[]): Promise<void> {
  await task.run.steps.run('start', async () => {
    const { containers, rendered } = await load(task);
    const due = containers.filter(({ id, state }) => ids.includes(id) && state !== 'running');
    for (const level of inLevels(due, rendered)) {
      await Promise.all(level.map((one) => wake(task.deps.engine, one)));
    }
  });
}

/** Ids of what runs now. */
export async function listUp(task: Task): Promise<string[]> {
  return (await load(task)).containers.filter(isMeantToRun).map(({ id }) => id);
}

/** After a crash or an outage in the middle, what has restarted since the first try is left alone. */
export async function restart(task: Task): Promise<void> {
  let since = task.run.steps.interruptedAt('restart');
  await task.step('restart', async (say) => {
    const deployed = await load(task);
    if (deployed.good && hasGaps(deployed)) return recreate(task, deployed.good, say);
    requireContainers(task, deployed);
    const due = withoutDoneWork(deployed).filter(({ startedAt }) => since === undefined || startedAt < since);
    since ??= task.deps.clock.now();
    for (const level of inLevels(due, deployed.rendered)) {
      await Promise.all(level.map((one) => task.deps.engine.restartContainer(one.id, graceOf(one, deployed.rendered))));
    }
  });
}

async function load({ deps, run, workspace }: Task): Promise<Deployed> {
  const { spec, goodRevision } = run.service;
  const [all, rendered, good] = await Promise.all([
    deps.engine.listProject(workspace.name),
    workspace.loadRendered(),
    goodRevision === null ? undefined : loadRevision(workspace, goodRevision),
  ]);
  return { containers: all.filter(({ labels }) => labels[SERVICE_LABEL] === spec.id), rendered, good };
}

/** Somebody removed containers by hand: starting the service means making them again. */
const hasGaps = ({ containers, good }: Deployed): boolean =>
  Object.entries(good?.rendered.services ?? {}).some(
    ([name, service]) => containers.filter((one) => one.service === name).length < replicasOf(service),
  );

async function recreate(task: Task, good: Revision, say: Say): Promise<void> {
  say({ message: 'containers are missing; making them again' });
  await apply(task, good.rendered, say);
  await awaitReady(task, good.rendered, say);
}

function requireContainers({ workspace }: Task, { containers }: Deployed): void {
  if (containers.length > 0) return;
  throw new LongshoreError('state_conflict', {
    message: `Service "${workspace.name}" has no containers`,
    details: 'it was never deployed successfully; deploy it first',
  });
}

/** One-shot services that did their work are not run again, unless there is nothing else. */
function withoutDoneWork({ containers, good }: Deployed): Container[] {
  const finished = good?.meta.finished ?? [];
  const rest = containers.filter((one) => !(finished.includes(one.service) && isFinished(one)));
  return rest.length > 0 ? rest : containers;
}

/** Without a readable file all at once. */
function inLevels(containers: readonly Container[], rendered: Rendered | undefined): Container[][] {
  const levels = rendered ? levelsOf(rendered) : [];
  const known = new Set(levels.flat());
  const unknown = containers.filter(({ service }) => !known.has(service));
  const ordered = levels.map((names) => containers.filter(({ service }) => names.includes(service)));
  return [...ordered, unknown].filter((level) => level.length > 0);
}

const graceOf = ({ service }: Container, rendered: Rendered | undefined): number | undefined =>
  graceMsOf(rendered?.services[service] ?? {});

/** Those that ask for a healthy dependency get one. */
async function waitForDependencies(
  task: Task,
  level: readonly Container[],
  rendered: Rendered | undefined,
  say: Say,
): Promise<void> {
  const healthy = level.flatMap(({ service }) => {
    const needs = Object.entries(rendered?.services[service]?.depends_on ?? {});
    return needs.filter(([, { condition }]) => condition === 'service_healthy').map(([name]) => name);
  });
  if (rendered && healthy.length > 0) await awaitReady(task, rendered, say, { only: healthy });
}
