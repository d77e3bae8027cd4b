// What runs on the host that no service has: Compose projects, and containers of none. Pure: lists in, finds out.
import type { Find, FoundKind, Obstacle } from '#shared/adoption.ts';
import { SERVICE_NAME } from '#shared/service-name.ts';
import { toContainerView, type Container, type ContainerSummary } from '../docker/engine.ts';
import { ownerOf, type OwnService } from '../owner.ts';

const WORKING_DIR = 'com.docker.compose.project.working_dir';
const CONFIG_FILES = 'com.docker.compose.project.config_files';
const ONE_OFF = 'com.docker.compose.oneoff';
const SWARM = 'com.docker.swarm.service.id';

/** Containers that belong together. */
export interface Group {
  kind: FoundKind;
  name: string;
  ids: string[];
}

/** By name; of a project and a container of the same name the project comes first. */
export function groupFinds(all: readonly ContainerSummary[], services: readonly OwnService[]): Group[] {
  const unowned = all.filter((container) => !ownerOf(container, services));
  const projects = Map.groupBy(
    unowned.filter(({ project }) => project !== ''),
    ({ project }) => project,
  );
  const groups: Group[] = [...projects].map(([name, list]) => {
    return { kind: 'compose', name, ids: list.map(({ id }) => id) };
  });
  const singles = unowned.filter(({ project }) => project === '');
  return [...groups, ...singles.map(({ id, name }): Group => ({ kind: 'container', name, ids: [id] }))].toSorted(
    (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

export interface Surroundings {
  services: readonly OwnService[];
  /** Of all containers of the host. */
  projects: ReadonlySet<string>;
  /** Host name of this process: in a container it is the beginning of that one's id. */
  hostname: string;
}

/** `containers`: those of the group, as Docker shows them now. */
export function toFind(
  { kind, name }: Pick<Group, 'kind' | 'name'>,
  containers: readonly Container[],
  around: Surroundings,
): Find {
  const labels = containers.find((container) => container.labels[WORKING_DIR] !== undefined)?.labels ?? {};
  return {
    kind,
    name,
    workingDir: kind === 'compose' ? (labels[WORKING_DIR] ?? null) : null,
    configFiles: kind === 'compose' ? (labels[CONFIG_FILES] ?? '').split(',').filter(Boolean) : [],
    containers: containers.map(toContainerView),
    obstacle: obstacleOf({ kind, name }, containers, around),
  };
}

/** The first thing in the way; what another name does not help against comes first. */
function obstacleOf(
  group: Pick<Group, 'kind' | 'name'>,
  containers: readonly Container[],
  around: Surroundings,
): Obstacle | null {
  for (const container of containers) {
    const obstacle = obstacleIn(container, containers, around.hostname);
    if (obstacle) return obstacle;
  }
  return obstacleByName(group, around);
}

function obstacleIn(
  { id, name, labels, removesItself, joins }: Container,
  group: readonly Container[],
  hostname: string,
): Obstacle | null {
  if (/^[0-9a-f]{12}$/.test(hostname) && id.startsWith(hostname)) {
    return { code: 'own_part', message: `Longshore itself runs in "${name}"` };
  }
  if (labels[SWARM] !== undefined) return { code: 'swarm', message: `"${name}" belongs to a Swarm service` };
  if (removesItself || labels[ONE_OFF] === 'True') {
    const message = `"${name}" was made for one run (docker run --rm, docker compose run)`;
    return { code: 'temporary', message };
  }
  if (joins.some((other) => !group.some((one) => one.id === other))) {
    return { code: 'shared_namespace', message: `"${name}" lives in a namespace of another container` };
  }
  return null;
}

function obstacleByName(
  { kind, name }: Pick<Group, 'kind' | 'name'>,
  { services, projects }: Surroundings,
): Obstacle | null {
  const isTaken = services.some((service) => service.name === name);
  if (kind === 'compose' && isTaken) {
    const message = `Somebody added it by hand to the Compose project of service "${name}"`;
    return { code: 'foreign_part', message };
  }
  const wayOut = 'adopt it by another name';
  if (!SERVICE_NAME.test(name))
    return { code: 'name_invalid', message: `"${name}" is no name for a service: ${wayOut}` };
  if (isTaken) return { code: 'name_taken', message: `The host has a service "${name}": ${wayOut}` };
  if (kind === 'container' && projects.has(name)) {
    return { code: 'name_taken', message: `The host has a Compose project "${name}": ${wayOut}` };
  }
  return null;
}

/** Whether another name is all it takes. */
export const isAboutName = ({ code }: Obstacle): boolean => code === 'name_invalid' || code === 'name_taken';
