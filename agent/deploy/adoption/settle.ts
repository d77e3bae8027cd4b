// Before `up`: brings adopted containers to what the file says, and tells which compose services are left to Compose.
import { isForeign } from '../../owner.ts';
import { findImages, idsOf } from '../images.ts';
import { planDeploy } from '../plan/plan.ts';
import { madeOf } from '../revisions/origin.ts';
import { loadRevision } from '../revisions/revisions.ts';
import { graceMsOf, type Rendered } from '../rendered.ts';
import type { Say, Task } from '../task.ts';
import { divide, type Division } from './divide.ts';

/** Undefined: all of them, as ever. Safe to repeat: what it has done shows in the containers that are there. */
export async function settleAdopted(
  task: Task,
  rendered: Rendered,
  say: Say,
): Promise<Pick<Division, 'only' | 'anew'> | undefined> {
  const { deps, workspace, run } = task;
  const { engine } = deps;
  const { goodRevision } = run.service;
  const containers = await engine.listProject(workspace.name);
  if (!containers.some(({ isAdopted }) => isAdopted)) return undefined;
  const good = goodRevision === null ? undefined : await loadRevision(workspace, goodRevision);
  const made = madeOf(await workspace.loadRendered(), good, containers);
  const found = await findImages(engine, rendered);
  const steps = planDeploy({ desired: rendered, made, containers, imageIds: idsOf(found) });
  const division = divide(steps, containers, rendered);
  if (!division) return undefined;
  for (const container of division.retired) {
    say({ message: `Container ${container.name} makes room` });
    await engine.stopContainer(container.id, graceMsOf(made?.services[container.service] ?? {}));
    // The file names the volumes of one that Compose does not know, anonymous ones too: they go on.
    await engine.removeContainer(container.id, { keepsVolumes: isForeign(container) });
  }
  await Promise.all(division.idle.map(({ id }) => engine.startContainer(id)));
  return division;
}
