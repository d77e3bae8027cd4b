// What of the host the edge depends on: the containers behind its names.
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import type { WireError } from '#shared/errors.ts';
import type { Container, Engine } from '../docker/engine.ts';
import { findTarget } from './target.ts';

export interface ObserveDeps {
  engine: Pick<Engine, 'listProject' | 'findImage'>;
  /** Undefined for one that is not here. */
  projectOf: (serviceId: string) => string | undefined;
}

export interface Sight {
  /** Name → where it answers. */
  dials: Map<string, string[]>;
  /** Name → why nothing answers. */
  faults: Map<string, WireError>;
  /** That there are. */
  containers: Set<string>;
}

export async function observeEdge(
  { engine, projectOf }: ObserveDeps,
  { routes }: EdgeState,
  leaving: ReadonlySet<string>,
): Promise<Sight> {
  const sight: Sight = { dials: new Map(), faults: new Map(), containers: new Set() };
  const projects = new Map<string, Container[]>();
  for (const serviceId of new Set(routes.map((route) => route.serviceId))) {
    const project = projectOf(serviceId);
    projects.set(serviceId, project === undefined ? [] : await engine.listProject(project));
  }
  const all = [...projects.values()].flat();
  for (const { id } of all) sight.containers.add(id);
  const imagePorts = await findImagePorts(engine, all);
  for (const route of routes.filter(({ redirectTo }) => redirectTo === null)) {
    const containers = projects.get(route.serviceId) ?? [];
    const target = findTarget({ route, containers, imagePorts, leaving });
    if ('fault' in target) sight.faults.set(route.hostname, target.fault);
    else sight.dials.set(route.hostname, target.dials);
  }
  return sight;
}

/** Asked only where nothing is published. */
async function findImagePorts(
  engine: Pick<Engine, 'findImage'>,
  containers: readonly Container[],
): Promise<Map<string, number[]>> {
  const ids = new Set(containers.filter(({ ports }) => ports.length === 0).map(({ imageId }) => imageId));
  const found = await Promise.all([...ids].map(async (id) => [id, (await engine.findImage(id))?.ports ?? []] as const));
  return new Map(found);
}
