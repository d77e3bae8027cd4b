// Images by their reference: what is here, what is fetched, and the names they go by.
import { LongshoreError } from '#shared/errors.ts';
import { abortableImage } from './abortable.ts';
import { ifAbsent } from './api-faults.ts';
import { toImage } from './container-view.ts';
import type { DockerClient } from './docker-client.ts';
import { authOf } from './docker-config.ts';
import { ENGINE_DEADLINES, type Image, type PullOptions } from './engine.ts';
import { splitTag, withTag } from './image-name.ts';
import { followPull } from './pull.ts';
import { pullFault } from './registry-fault.ts';

export function findImage(client: DockerClient, reference: string): Promise<Image | undefined> {
  return client
    .call(`Cannot inspect image "${reference}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
      return toImage(await abortableImage(docker.getImage(reference)).inspect({ abortSignal }));
    })
    .catch(ifAbsent(undefined));
}

export async function pullImage(
  client: DockerClient,
  reference: string,
  { onProgress, signal, platform, login }: PullOptions = {},
): Promise<void> {
  const pull = client.call(
    `Cannot pull image "${reference}"`,
    ENGINE_DEADLINES.pull,
    async (docker, abortSignal) => {
      const options = { abortSignal, ...(platform !== undefined && { platform }), ...authOf(login) };
      await followPull(await docker.pull(withTag(reference), options), onProgress);
    },
    signal,
  );
  await pull.catch((error: unknown) => {
    if (!(error instanceof LongshoreError) || error.code === 'docker_unavailable') throw error;
    throw pullFault(reference, login, error);
  });
}

export async function tagImage(client: DockerClient, id: string, reference: string): Promise<void> {
  const [repo, tag] = splitTag(reference);
  await client.change(`Cannot tag image "${reference}"`, 0, (docker, abortSignal) =>
    docker.getImage(id).tag({ repo, tag, abortSignal }),
  );
}
