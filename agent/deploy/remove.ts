// Takes a service off the host: containers, networks, volumes (also anonymous ones), the folder. Goes by Compose's
// project label, so it works with a broken or missing file; each part may be gone already. The folder goes last: it
// is the proof that the project is ours, which a repeated attempt needs. What was adopted without being of the Compose
// project keeps its volumes, as that one's other volumes stay.
import { SERVICE_LABEL, type Container, type Engine } from '../docker/engine.ts';
import { isForeign } from '../owner.ts';
import { graceMsOf, levelsOf, type Rendered } from './rendered.ts';
import type { Task } from './task.ts';

export async function remove(task: Task): Promise<void> {
  await task.step('remove', async (say) => {
    const { deps, workspace, run } = task;
    const { wasApplied } = workspace;
    const rendered = await workspace.loadRendered();
    const all = await deps.engine.listProject(workspace.name);
    const own = all.filter(({ labels }) => wasApplied || labels[SERVICE_LABEL] === run.service.spec.id);
    await stopInOrder(deps.engine, own, rendered);
    await Promise.all(own.map((one) => deps.engine.removeContainer(one.id, { keepsVolumes: isForeign(one) })));
    if (wasApplied || own.length > 0) await removeResources(deps.engine, workspace.name);
    await workspace.remove();
    say({ message: `${own.length} containers removed` });
  });
}

/** Never handed to Compose by us, nothing of ours there: whatever carries that project's label is somebody else's. */
async function removeResources(engine: Engine, project: string): Promise<void> {
  const [networks, volumes] = await Promise.all([engine.listNetworks(project), engine.listVolumes(project)]);
  await Promise.all(networks.map(({ id }) => engine.removeNetwork(id)));
  await Promise.all(volumes.map(({ name }) => engine.removeVolume(name)));
}

/** Dependents first, with their grace: a database gets to write its last page. */
async function stopInOrder(engine: Engine, own: readonly Container[], rendered: Rendered | undefined): Promise<void> {
  const levels = rendered ? levelsOf(rendered) : [];
  const known = new Set(levels.flat());
  const ordered = [...levels, own.map(({ service }) => service).filter((service) => !known.has(service))];
  for (const level of ordered.toReversed()) {
    const containers = own.filter(
      ({ service, state }) => level.includes(service) && state !== 'exited' && state !== 'created',
    );
    await Promise.all(
      containers.map(({ id, service }) => engine.stopContainer(id, graceMsOf(rendered?.services[service] ?? {}))),
    );
  }
}
