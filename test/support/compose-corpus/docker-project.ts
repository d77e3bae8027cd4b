// All that carries a Compose project's label, over Docker's socket: a command for each question would cost more than the
// containers do.
import Docker from 'dockerode';
import { SOCKET } from '../deploy-host.ts';
import type { Inspected, Project } from './normalise.ts';

const docker = new Docker({ socketPath: SOCKET });

const filtersOf = (project: string) => ({ label: [`com.docker.compose.project=${project}`] });

export async function inspectContainers(project: string): Promise<Inspected[]> {
  const listed = await docker.listContainers({ all: true, filters: filtersOf(project) });
  return Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect() as Promise<unknown>)) as Promise<
    Inspected[]
  >;
}

export async function inspectRest(project: string): Promise<Pick<Project, 'networks' | 'volumes'>> {
  const [networks, { Volumes: volumes }] = await listRest(project);
  const inspected = [
    Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).inspect() as Promise<unknown>)),
    Promise.all(volumes.map(({ Name }) => docker.getVolume(Name).inspect() as Promise<unknown>)),
  ] as const;
  const [allNetworks, allVolumes] = await Promise.all(inspected);
  return { networks: allNetworks as Inspected[], volumes: allVolumes as Inspected[] };
}

const listRest = (project: string) =>
  Promise.all([
    docker.listNetworks({ filters: filtersOf(project) }),
    docker.listVolumes({ filters: filtersOf(project) }),
  ]);

/** With its volumes and the images that were built for it. */
export async function removeAll(project: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: filtersOf(project) });
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const images = await docker.listImages({ filters: filtersOf(project) });
  const [networks, { Volumes: volumes }] = await listRest(project);
  await Promise.all([
    ...networks.map(({ Id }) => docker.getNetwork(Id).remove()),
    ...volumes.map(({ Name }) => docker.getVolume(Name).remove({ force: true })),
    ...images.map(({ Id }) => docker.getImage(Id).remove({ force: true })),
  ]);
}
