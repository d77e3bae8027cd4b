// Docker's store of images and its build cache: what is there, who uses it, and how it is made smaller. Also where
// Docker gets images from. The engine's port has what deploys need of single images.
import type Dockerode from 'dockerode';
import type { RegistrySettings } from '../images/endpoints.ts';
import { abortableImage, dial } from './abortable.ts';
import { ifAbsent, ifStatus } from './api-faults.ts';
import type { DockerClient } from './docker-client.ts';
import { ENGINE_DEADLINES } from './engine.ts';

export interface StoredImage {
  id: string;
  tags: string[];
  /** `name@sha256:…` as registries know it. */
  digests: string[];
  sizeBytes: number;
  /** What it has in common with other images: removing it alone does not free that. */
  sharedBytes: number;
  /** Milliseconds since the epoch: when it last got a name here; when it was made, where Docker does not say. */
  namedAt: number;
}

export interface ImageStore {
  list(): Promise<StoredImage[]>;
  /** Ids of the images that containers have, running or not. */
  listUsed(): Promise<Set<string>>;
  /** Takes a name off, and with its last name the image. False where a container or an image stands on it. */
  remove(name: string): Promise<boolean>;
  /** What a trim to nothing would free at most. */
  measureBuildCache(): Promise<number>;
  /** Drops what was not used for longest until no more than this is left; returns the bytes that are free again. */
  trimBuildCache(keptBytes: number): Promise<number>;
  registrySettings(): Promise<RegistrySettings>;
}

/** Docker adds up layers, or deletes them one by one. */
const SLOW_MS = ENGINE_DEADLINES.measure;

export const createImageStore = (client: DockerClient): ImageStore => ({
  async list() {
    const images = await client.call('Cannot list the images', SLOW_MS, (docker, abortSignal) =>
      dial<RawImage[]>(docker, { path: '/images/json?', method: 'GET', options: { 'shared-size': true }, abortSignal }),
    );
    const found = await Promise.all(images.map((image) => withNameTime(client, image)));
    return found.filter((image) => image !== undefined);
  },

  async listUsed() {
    const all = await client.call('Cannot list the containers', ENGINE_DEADLINES.list, (docker, abortSignal) =>
      docker.listContainers({ all: true, abortSignal }),
    );
    return new Set(all.map(({ ImageID }) => ImageID));
  },

  remove: (name) =>
    client
      .call(`Cannot remove image "${name}"`, SLOW_MS, async (docker, abortSignal) => {
        await docker.getImage(name).remove({ abortSignal } as object);
        return true;
      })
      .catch(ifAbsent(false))
      .catch((error: unknown) => {
        ifStatus(409)(error);
        return false;
      }),

  async measureBuildCache() {
    const action = 'Cannot measure the build cache';
    const { BuildCache: records } = await client.call(action, SLOW_MS, (docker, abortSignal) =>
      dial<{ BuildCache?: RawCache[] | null }>(docker, {
        path: '/system/df?',
        method: 'GET',
        options: { type: 'build-cache' },
        abortSignal,
      }),
    );
    const idle = (records ?? []).filter(({ InUse, Shared }) => !InUse && !Shared);
    return idle.reduce((sum, { Size }) => sum + Size, 0);
  },

  async trimBuildCache(keptBytes) {
    // The name of the limit has changed with API 1.48; an engine ignores the one it does not know.
    const options = { all: true, 'reserved-space': keptBytes, 'keep-storage': keptBytes };
    const { SpaceReclaimed } = await client.call('Cannot trim the build cache', SLOW_MS, (docker, abortSignal) =>
      dial<{ SpaceReclaimed?: number }>(docker, { path: '/build/prune?', method: 'POST', options, abortSignal }),
    );
    return SpaceReclaimed ?? 0;
  },

  async registrySettings() {
    const info = await client.call(
      'Cannot ask Docker for its registries',
      ENGINE_DEADLINES.list,
      (docker, abortSignal) =>
        dial<{ RegistryConfig?: RawRegistries | null }>(docker, { path: '/info', method: 'GET', abortSignal }),
    );
    return toSettings(info.RegistryConfig ?? {});
  },
});

interface RawImage {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Size: number;
  /** -1: not measured. */
  SharedSize: number;
  /** Seconds. */
  Created: number;
}

interface RawCache {
  InUse: boolean;
  Shared: boolean;
  Size: number;
}

interface RawRegistries {
  IndexConfigs?: Record<string, { Secure: boolean }> | null;
  InsecureRegistryCIDRs?: string[] | null;
  Mirrors?: string[] | null;
}

/** One that vanishes in between is left out. */
async function withNameTime(client: DockerClient, raw: RawImage): Promise<StoredImage | undefined> {
  const inspected = await client
    .call(`Cannot inspect image "${raw.Id}"`, ENGINE_DEADLINES.inspect, (docker, abortSignal) =>
      abortableImage(docker.getImage(raw.Id)).inspect({ abortSignal }),
    )
    .catch(ifAbsent(undefined));
  return inspected && toStoredImage(raw, inspected);
}

function toStoredImage(raw: RawImage, inspected: Dockerode.ImageInspectInfo): StoredImage {
  const { Metadata: metadata } = inspected as { Metadata?: { LastTagTime?: string } };
  const namedAt = Date.parse(metadata?.LastTagTime ?? '');
  return {
    id: raw.Id,
    tags: (raw.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'),
    digests: (raw.RepoDigests ?? []).filter((digest) => digest !== '<none>@<none>'),
    sizeBytes: raw.Size,
    sharedBytes: Math.max(0, raw.SharedSize),
    namedAt: namedAt > 0 ? namedAt : raw.Created * 1000, // Docker's zero time is the year 1
  };
}

function toSettings({ IndexConfigs, InsecureRegistryCIDRs, Mirrors }: RawRegistries): RegistrySettings {
  const insecure = Object.entries(IndexConfigs ?? {}).filter(([, { Secure }]) => !Secure);
  return {
    insecureRanges: InsecureRegistryCIDRs ?? [],
    insecureServers: insecure.map(([server]) => server),
    mirrors: Mirrors ?? [],
  };
}
