// Makes a container that is set up like another one, from an image that is here.
import type Dockerode from 'dockerode';
import { abortableImage } from './abortable.ts';
import { toCopy } from './copied-config.ts';
import { inspectImage, inspectRaw } from './describe-containers.ts';
import type { DockerClient } from './docker-client.ts';
import { ENGINE_DEADLINES } from './engine.ts';

/** Returns its id. Fails with `docker_error` when the one to copy is gone, or the name is taken. */
export async function copyContainer(client: DockerClient, id: string, name: string, image: string): Promise<string> {
  const action = `Cannot make container "${name}" anew`;
  const container = await inspectRaw(client, id);
  const [was, imageId] = await Promise.all([inspectImage(client, container.Image), findImageId(client, action, image)]);
  const copy = toCopy({ container, image: was ?? {}, reference: image, imageId });
  const options = { ...copy, name } as unknown as Dockerode.ContainerCreateOptions;
  return client.call(action, ENGINE_DEADLINES.change, async (docker, abortSignal) => {
    return (await docker.createContainer({ ...options, abortSignal })).id;
  });
}

const findImageId = (client: DockerClient, action: string, image: string): Promise<string> =>
  client.call(action, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
    return (await abortableImage(docker.getImage(image)).inspect({ abortSignal })).Id;
  });
