// What the agent makes for work of its own: an image without a registry, and a sealed container.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { dockerFault } from './faults.ts';
import type { DockerClient } from './docker-client.ts';
import { ENGINE_DEADLINES } from './engine.ts';
import { splitTag } from './image-name.ts';
import { toSealedRequest, type SealedSetup } from './sealed-setup.ts';

/** What was imported before under that name stays as an image without one. */
export async function importImage(client: DockerClient, archive: Uint8Array, reference: string): Promise<void> {
  const [repo, tag] = splitTag(reference);
  const action = `Cannot make image "${reference}"`;
  await client.call(action, ENGINE_DEADLINES.change, async (docker, abortSignal) => {
    const answer = await docker.importImage(Readable.from([archive]), { repo, tag, abortSignal });
    const said = await text(answer);
    const [, refusal] = /"error":"([^"]*)/.exec(said) ?? [];
    if (refusal !== undefined) throw dockerFault(action, refusal, 'docker_error');
  });
}

export function createSealed(client: DockerClient, name: string, setup: SealedSetup): Promise<string> {
  return client.call(`Cannot make container "${name}"`, ENGINE_DEADLINES.change, async (docker, abortSignal) => {
    return (await docker.createContainer({ ...toSealedRequest(setup), name, abortSignal })).id;
  });
}
