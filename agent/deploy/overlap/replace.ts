// Brings a project to a new revision, start-first where the plan says so. The rest is left to Compose as ever.
//
//   stages in the order of dependencies: others ─▶ new beside old, healthy ─▶ others ─▶ …
//     └─▶ both run for a while ─▶ all ready? ─▶ old go
//     └──────────┴──────────────────┴─ failed ─▶ new go; the old ones were never touched
//
// Safe to repeat at every point: what an earlier try has left beside the old ones goes first, unless it is what is wanted
// and runs; and where the old ones no longer run, a plain `up` ends it.
import { LongshoreError } from '#shared/errors.ts';
import type { PlanStep } from '#shared/jobs.ts';
import { sleep } from '#shared/time.ts';
import type { Container } from '../../docker/engine.ts';
import { apply, awaitReady, handOver, up } from '../execute.ts';
import { findImages, recordImages } from '../images.ts';
import { graceMsOf, replicasOf, type Rendered } from '../rendered.ts';
import { isOf } from '../revisions/origin.ts';
import type { Revision } from '../revisions/revisions.ts';
import type { Say, Task } from '../task.ts';
import { monitorMsOf, runningOf } from './order.ts';
import { requirementsOf, stagesOf, type Stage } from './stages.ts';

export interface Target {
  rendered: Rendered;
  plan: readonly PlanStep[];
  /** What runs. */
  good: Revision | undefined;
}

/** Services that are replaced start-first, and the containers they have now. */
interface Overlap {
  services: string[];
  old: readonly Container[];
}

export async function replace(task: Task, target: Target, say: Say): Promise<void> {
  const overlap = await findOverlap(task, target);
  if (overlap.services.length === 0) return apply(task, target.rendered, say);
  try {
    await bringUpBeside(task, target.rendered, overlap, say);
  } catch (error) {
    const isShutdown = task.run.signal.aborted && !(task.run.signal.reason instanceof LongshoreError);
    if (!isShutdown) await withdrawAfter(task, overlap, say);
    throw error;
  }
  say({ message: `${overlap.services.join(', ')}: new containers are ready, old ones go` });
  await task.deps.leaveEdge(idsOf(overlap.old));
  await up(task, target.rendered, say, { only: overlap.services });
}

/** Docker may have changed since the plan was made. */
async function findOverlap({ deps, workspace }: Task, { plan, good }: Target): Promise<Overlap> {
  const wanted = plan.filter(({ replacement }) => replacement?.order === 'start_first');
  if (wanted.length === 0) return { services: [], old: [] };
  const containers = await deps.engine.listProject(workspace.name);
  const running = wanted.map(({ service }) => runningOf(service, { containers, good }));
  return {
    services: wanted.map(({ service }) => service).filter((_, index) => running[index]),
    old: running.flatMap((containers) => containers ?? []),
  };
}

async function bringUpBeside(task: Task, rendered: Rendered, overlap: Overlap, say: Say): Promise<void> {
  const left = await handOver(task, rendered, say);
  await withdrawStale(task, rendered, overlap);
  for (const stage of stagesOf(rendered, overlap.services)) {
    await awaitRequirements(task, rendered, stage, overlap, say);
    if (stage.isBeside) await addBeside(task, rendered, stage, overlap, say);
    else await up(task, rendered, say, { only: stage.services.filter((name) => left?.includes(name) ?? true) });
  }
  const services = overlap.services.map((name) => rendered.services[name] ?? {});
  say({ message: `${overlap.services.join(', ')}: old and new containers run side by side` });
  await sleep(task.deps.clock, monitorMsOf(services), task.run.signal);
  await awaitReady(task, rendered, say, { except: idsOf(overlap.old) });
}

async function awaitRequirements(
  task: Task,
  rendered: Rendered,
  stage: Stage,
  { old }: Overlap,
  say: Say,
): Promise<void> {
  const { healthy, completed } = requirementsOf(rendered, stage);
  if (healthy.length + completed.length === 0) return;
  const only = [...healthy, ...completed];
  await awaitReady(task, rendered, say, { only, completes: completed, except: idsOf(old) });
}

async function addBeside(task: Task, rendered: Rendered, stage: Stage, { old }: Overlap, say: Say): Promise<void> {
  const { services: only } = stage;
  const counts = only.map((name): [string, number] => {
    const before = old.filter(({ service }) => service === name).length;
    return [name, before + replicasOf(rendered.services[name] ?? {})];
  });
  await up(task, rendered, say, { only, scale: Object.fromEntries(counts) });
  await awaitReady(task, rendered, say, { only, except: idsOf(old) });
}

const idsOf = (containers: readonly Container[]): Set<string> => new Set(containers.map(({ id }) => id));

/**
 * Of a try before a crash. What it made from this very file stays where it runs: it may be all that serves, when the old
 * containers had been asked to end.
 */
async function withdrawStale(task: Task, rendered: Rendered, overlap: Overlap): Promise<void> {
  const { deps, workspace, run } = task;
  const beside = besideOld(await deps.engine.listProject(workspace.name), overlap);
  if (beside.length === 0) return;
  const files = { files: [workspace.renderedFile], envFile: workspace.envFile, signal: run.signal };
  const [hashes, found] = await Promise.all([
    deps.compose.hashes(task.project, files),
    findImages(deps.engine, rendered),
  ]);
  const made = { hashes, images: recordImages(rendered, found) };
  await withdraw(task, overlap, (one) => one.state === 'running' && isOf(one, made));
}

const besideOld = (containers: readonly Container[], { services, old }: Overlap): Container[] =>
  containers.filter(({ id, service }) => services.includes(service) && !idsOf(old).has(id));

/** Removes what is beside the old containers while those all run: without one of them, the new ones are needed. */
async function withdraw(task: Task, overlap: Overlap, stays: (one: Container) => boolean = () => false): Promise<void> {
  const { deps, workspace } = task;
  const containers = await deps.engine.listProject(workspace.name);
  const ids = idsOf(overlap.old);
  const running = containers.filter(({ id, state }) => ids.has(id) && state === 'running');
  if (running.length < overlap.old.length) return;
  const rendered = await workspace.loadRendered();
  const stale = besideOld(containers, overlap).filter((one) => !stays(one));
  await Promise.all(
    stale.map(async ({ id, service }) => {
      await deps.engine.stopContainer(id, graceMsOf(rendered?.services[service] ?? {}));
      await deps.engine.removeContainer(id);
    }),
  );
}

/** What went wrong is told, and not that tidying up did as well: what comes next makes up for it. */
async function withdrawAfter(task: Task, overlap: Overlap, say: Say): Promise<void> {
  say({ message: `${overlap.services.join(', ')}: new containers go, old ones were never stopped` });
  await withdraw(task, overlap).catch((error: unknown) => {
    task.deps.log.warn({ err: error, service: task.workspace.name }, 'could not remove the new containers');
  });
}
