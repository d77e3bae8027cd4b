// What must hold before a deploy touches anything: the name is ours, the host ports and container names are free, the
// disk has room. Each refusal says who is in the way and what to do.
import { statfs } from 'node:fs/promises';
import { LongshoreError } from '#shared/errors.ts';
import { SERVICE_LABEL, type Container, type ContainerSummary, type Engine } from '../docker/engine.ts';
import { portsOf, type Rendered, type ServicePort } from './rendered.ts';

/** Below this Docker itself begins to fail in ways that are hard to read. */
const DISK_RESERVE_BYTES = 256 * 1024 * 1024;

export interface NameFacts {
  project: string;
  serviceId: string;
  containers: readonly Container[];
  /** Whether this service was handed to Compose here before; its networks and volumes are then its own. */
  wasApplied: boolean;
}

/** Fails with `name_taken`: an edge that is switched off takes away all containers of its project. */
export function requireUnreserved(project: string, edgeProject: string): void {
  if (project !== edgeProject) return;
  throw new LongshoreError('name_taken', {
    message: `The name "${project}" is kept for what answers to names on this host`,
    details: 'Choose another name',
  });
}

/** Fails with `name_taken` where the Compose project of that name is somebody else's: we would take over its data. */
export async function requireOwnProject(engine: Engine, facts: NameFacts): Promise<void> {
  const { project, serviceId, containers, wasApplied } = facts;
  const foreign = containers.find(({ labels }) => labels[SERVICE_LABEL] !== serviceId);
  if (foreign) throw nameTaken(project, `container "${foreign.name}"`);
  if (wasApplied || containers.length > 0) return;
  const [networks, volumes] = await Promise.all([engine.listNetworks(project), engine.listVolumes(project)]);
  const [left] = [...volumes.map(({ name }) => `volume "${name}"`), ...networks.map(({ name }) => `network "${name}"`)];
  if (left !== undefined) throw nameTaken(project, left);
}

const nameTaken = (project: string, thing: string): LongshoreError =>
  new LongshoreError('name_taken', {
    message: `The name "${project}" is taken on this host: the Compose project of that name has ${thing}`,
    details: `Choose another name, or remove that project first: docker compose -p ${project} down`,
  });

/** Fails with `port_taken` or `name_taken` naming the container in the way. Another service's stopped one is not. */
export function requireFreePlaces(rendered: Rendered, all: readonly ContainerSummary[]): void {
  const others = all.filter(({ project }) => project !== rendered.name);
  for (const wanted of portsOf(rendered)) {
    const holder = others.find(({ ports }) => ports.some((port) => clashes(wanted, port)));
    if (holder) throw portTaken(wanted, holder);
  }
  for (const [service, { container_name: name }] of Object.entries(rendered.services)) {
    const holder = name === undefined ? undefined : others.find((other) => other.name === name);
    if (!holder) continue;
    throw new LongshoreError('name_taken', {
      message: `The container name "${holder.name}" is taken by ${ownerOf(holder)}`,
      fields: { [`services.${service}.container_name`]: 'taken on this host; leave it out to let Compose choose' },
    });
  }
}

function clashes(wanted: ServicePort, bound: ContainerSummary['ports'][number]): boolean {
  const isSamePort = bound.host >= wanted.first && bound.host <= wanted.last && bound.protocol === wanted.protocol;
  return isSamePort && wanted.first === wanted.last && addressesMeet(wanted.address, bound.address);
}

const isEverywhere = (address: string): boolean => address === '' || address === '0.0.0.0' || address === '::';
const addressesMeet = (a: string, b: string): boolean => a === b || isEverywhere(a) || isEverywhere(b);

const ownerOf = ({ name, project }: ContainerSummary): string =>
  project === '' ? `container "${name}"` : `container "${name}" of "${project}"`;

const portTaken = ({ service, first, protocol }: ServicePort, holder: ContainerSummary): LongshoreError =>
  new LongshoreError('port_taken', {
    message: `Host port ${first}/${protocol} is taken by ${ownerOf(holder)}`,
    fields: { [`services.${service}.ports`]: `${first}/${protocol} is in use on this host` },
  });

/** Fails with `host_disk_full`. A folder that does not exist (Docker on another machine) is not judged. */
export async function requireDiskSpace(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const stat = await statfs(folder).catch(() => undefined);
    if (!stat || stat.bavail * stat.bsize >= DISK_RESERVE_BYTES) continue;
    const freeMiB = Math.floor((stat.bavail * stat.bsize) / 1024 ** 2);
    throw new LongshoreError('host_disk_full', { details: `${freeMiB} MiB free; at least 256 MiB are needed` });
  }
}
