// Asks Docker for everything that live-config.ts reads: a project's containers, and once each the images they run.
import type Dockerode from 'dockerode';
import { ifAbsent } from './api-faults.ts';
import { abortableImage } from './abortable.ts';
import { PROJECT_LABEL, toSetup } from './container-view.ts';
import type { DockerClient } from './docker-client.ts';
import { ENGINE_DEADLINES, type ContainerSetup } from './engine.ts';
import { toLiveContainers } from './live-config.ts';
import type { LiveContainer } from './live-container.ts';
import type { RawConfig, RawContainer } from './raw-container.ts';

type Filters = Record<string, string[]>;

export const describeProject = (client: DockerClient, project: string): Promise<LiveContainer[]> =>
  describe(client, { label: [`${PROJECT_LABEL}=${project}`] });

/** Those that still exist, whoever made them. */
export const describeContainers = async (client: DockerClient, ids: readonly string[]): Promise<LiveContainer[]> =>
  ids.length === 0 ? [] : describe(client, { id: [...ids] });

/** Undefined for one that is gone. */
export const findSetup = (client: DockerClient, id: string): Promise<ContainerSetup | undefined> =>
  inspectRaw(client, id)
    .then((raw) => toSetup(raw as unknown as Dockerode.ContainerInspectInfo))
    .catch(ifAbsent(undefined));

/** A container that vanishes between list and inspect is left out. */
async function describe(client: DockerClient, filters: Filters): Promise<LiveContainer[]> {
  const listed = await client.call('Cannot list the containers', ENGINE_DEADLINES.list, (docker, abortSignal) =>
    docker.listContainers({ all: true, filters, abortSignal }),
  );
  const found = await Promise.all(listed.map(({ Id }) => inspect(client, Id)));
  const containers = found.filter((container) => container !== undefined);
  const ids = [...new Set(containers.map(({ Image }) => Image))];
  const images = new Map(await Promise.all(ids.map(async (id) => [id, await inspectImage(client, id)] as const)));
  return toLiveContainers(containers.map((container) => ({ container, image: images.get(container.Image) })));
}

const inspect = (client: DockerClient, id: string): Promise<RawContainer | undefined> =>
  inspectRaw(client, id).catch(ifAbsent(undefined));

/** Fails with `docker_error` for one that is gone. */
export const inspectRaw = (client: DockerClient, id: string): Promise<RawContainer> =>
  client.call(`Cannot inspect container "${id}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
    return asRaw(await docker.getContainer(id).inspect({ abortSignal }));
  });

const asRaw = (inspected: Dockerode.ContainerInspectInfo): RawContainer => inspected as unknown as RawContainer;

export const inspectImage = (client: DockerClient, id: string): Promise<RawConfig | undefined> =>
  client
    .call(`Cannot inspect image "${id}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
      return (await abortableImage(docker.getImage(id)).inspect({ abortSignal })).Config as RawConfig;
    })
    .catch(ifAbsent(undefined));
