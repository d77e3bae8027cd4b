// Everything about this host's images that is no deploy: looking for newer ones, removing old ones, the build cache.
import { isBackupKind } from '#shared/backup.ts';
import type { ServiceUpdates } from '#shared/image-updates.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { isDeployKind, type JobKind } from '#shared/jobs.ts';
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { ExecuteJob } from '../deploy/job-run.ts';
import type { MeasureDownloads } from '../deploy/plan/downloads.ts';
import type { DockerClient } from '../docker/docker-client.ts';
import type { Engine } from '../docker/engine.ts';
import { createImageStore } from '../docker/image-store.ts';
import type { AgentState } from '../state/open.ts';
import { createBuildCacheLimit } from './build-cache.ts';
import type { RegistrySettings } from './endpoints.ts';
import { ImageGate } from './image-gate.ts';
import type { Registries } from './registry.ts';
import { startUpdates } from './updates.ts';

export interface ImagesDeps {
  dataDir: string;
  client: DockerClient;
  engine: Engine;
  state: AgentState;
  underWay: ReadonlyMap<string, JobKind>;
  imageCheckMs: number;
  buildCacheLimitBytes: number | null;
  clock: Clock;
  log: Logger;
  random: () => number;
}

export interface Images {
  /** The same work, with images safe from a prune meanwhile and looked at after a deploy. */
  around(execute: ExecuteJob): ExecuteJob;
  /** To be called after a build; returns at once. */
  onBuilt: () => void;
  measureDownloads: MeasureDownloads;
  checkUpdates(serviceId: string, signal: AbortSignal): Promise<ServiceUpdates>;
  prune(request: PruneRequest): Promise<PruneResult>;
}

export function startImages(deps: ImagesDeps, scope: Scope): Images {
  const { dataDir, client, imageCheckMs: everyMs, buildCacheLimitBytes: limitBytes, clock, log } = deps;
  const store = createImageStore(client);
  const gate = new ImageGate();
  const registries = loadedLate(() => store.registrySettings(), clock);
  const updates = startUpdates({ ...deps, registries, everyMs }, scope);
  return {
    around: (execute) => async (run) => {
      const { kind, serviceId } = run.offer;
      if (isBackupKind(kind)) return execute(run); // takes its time, and needs no image
      try {
        return await gate.during(() => execute(run));
      } finally {
        if (isDeployKind(kind)) updates.touch(serviceId);
      }
    },
    onBuilt: createBuildCacheLimit({ store, limitBytes, log }),
    async measureDownloads(downloads, signal) {
      const { measureDownloads } = await import('./downloads.ts'); // only plans ask
      return measureDownloads({ registries }, downloads, signal);
    },
    checkUpdates: (serviceId, signal) => updates.check(serviceId, signal),
    async prune(request) {
      const { prune } = await import('./prune.ts'); // most agents are never asked
      return prune({ dataDir, store, gate, clock }, request);
    },
  };
}

/** Most of an agent's life is spent without asking a registry: what that takes is loaded at the first question. */
function loadedLate(
  fetchSettings: () => Promise<RegistrySettings>,
  clock: Clock,
): Pick<Registries, 'fetchDigest' | 'fetchManifest'> {
  let loaded: Promise<Registries> | undefined;
  const load = () => (loaded ??= import('./registry.ts').then((it) => new it.Registries({ fetchSettings, clock })));
  return {
    fetchDigest: async (...question) => (await load()).fetchDigest(...question),
    fetchManifest: async (...question) => (await load()).fetchManifest(...question),
  };
}
