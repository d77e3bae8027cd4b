// What stands in the way of `compose up`: paused containers, and what a killed run leaves between two containers. Compose
// makes the new one as `<12 hex>_<name>`, removes the old one, then renames the new one. Running `up` again mends every
// point of that but one: once the old one is gone it takes the new one for what is wanted, under the wrong name for ever.
import type { Container } from '../docker/engine.ts';
import { LEFTOVER_NAME } from './plan/plan.ts';
import type { Task } from './task.ts';

/** Compose fails on a paused container, whatever it is to do with it. */
export async function unpause({ deps: { engine }, workspace }: Task): Promise<void> {
  const containers = await engine.listProject(workspace.name);
  const paused = containers.filter(({ state }) => state === 'paused');
  await Promise.all(paused.map(({ id }) => engine.unpauseContainer(id)));
}

/**
 * Leaves each container under its own name: the new half of a pair goes, one that is alone is renamed. False when there
 * was nothing to mend. Asked before and after `up`: Docker may still be making what a killed compose had asked for.
 */
export async function mendLeftovers({ deps: { engine }, workspace }: Task): Promise<boolean> {
  const containers = await engine.listProject(workspace.name);
  const names = new Set(containers.map(({ name }) => name));
  const mend = ({ id, name }: Container) => {
    const ownName = name.replace(LEFTOVER_NAME, '');
    return names.has(ownName) ? engine.removeContainer(id) : engine.renameContainer(id, ownName);
  };
  const leftovers = containers.filter(({ name }) => LEFTOVER_NAME.test(name));
  await Promise.all(leftovers.map(mend));
  return leftovers.length > 0;
}
