// Removes images that nothing on this host needs, and what the build cache holds. Volumes and networks are never
// touched, nor what a revision would be put back from.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import type { PruneRequest, PruneResult } from '#shared/protocol/image-parts.ts';
import type { Clock } from '#shared/time.ts';
import { listRevisions } from '../deploy/revisions/revisions.ts';
import { ignore, Workspace } from '../deploy/workspace.ts';
import type { ImageStore, StoredImage } from '../docker/image-store.ts';
import type { ImageGate, Removals } from './image-gate.ts';
import { choosePrunable, freedBy, namesOf, type PruneChoice } from './prune-plan.ts';

export interface PruneDeps {
  dataDir: string;
  store: ImageStore;
  gate: Pick<ImageGate, 'begin'>;
  clock: Clock;
}

const HOUR_MS = 3600_000;

/** Throws `service_busy` when a job keeps it from beginning at all. */
export async function prune(deps: PruneDeps, request: PruneRequest): Promise<PruneResult> {
  const { store, gate } = deps;
  const removals = gate.begin();
  const choice = await choose(deps, request);
  const { isDryRun, buildCache } = request;
  const going = isDryRun ? choice.going : await removeAll(store, removals, choice.going);
  const cacheBytes = !buildCache ? 0 : await (isDryRun ? store.measureBuildCache() : store.trimBuildCache(0));
  return {
    images: going.map(({ id, tags, sizeBytes }) => ({ id, tags, sizeBytes })),
    imageBytes: freedBy(going),
    buildCacheBytes: cacheBytes,
    protectedCount: choice.protectedCount,
    recentCount: choice.recentCount,
    leftCount: choice.going.length - going.length,
  };
}

async function choose({ dataDir, store, clock }: PruneDeps, request: PruneRequest): Promise<PruneChoice> {
  const { scope, olderThanHours } = request;
  if (scope === 'none') return choosePrunable([], { used: new Set(), kept: new Set() }, { scope, before: 0 });
  const before = clock.now() - olderThanHours * HOUR_MS;
  const [images, used, kept] = await Promise.all([store.list(), store.listUsed(), listKept(dataDir)]);
  return choosePrunable(images, { used, kept }, { scope, before });
}

/** By the folders, not by the agent's table: what was removed there may still be on disk. */
async function listKept(dataDir: string): Promise<Set<string>> {
  const names = (await readdir(join(dataDir, 'services')).catch(ignore('ENOENT'))) ?? [];
  const metas = await Promise.all(names.map((name) => listRevisions(new Workspace(dataDir, name))));
  const images = metas.flat().flatMap((meta) => Object.values(meta.images));
  return new Set(images.flatMap(({ id, digests }) => [id, ...digests]));
}

/** Returns those that are gone. Ends early when a job comes. */
async function removeAll(
  store: ImageStore,
  removals: Removals,
  images: readonly StoredImage[],
): Promise<StoredImage[]> {
  const gone: StoredImage[] = [];
  for (const image of images) {
    let isGone = false;
    const isDone = await removals.remove(async () => {
      isGone = await removeNames(store, image);
    });
    if (!isDone && gone.length === 0) throw busy();
    if (!isDone) break;
    if (isGone) gone.push(image);
  }
  return gone;
}

/** Stops at the first name that something stands on. */
async function removeNames(store: ImageStore, image: StoredImage): Promise<boolean> {
  for (const name of namesOf(image)) if (!(await store.remove(name))) return false;
  return true;
}

const busy = () =>
  new LongshoreError('service_busy', {
    message: 'Cannot remove images: a job is under way on this host, or began just now',
    details: 'It may be about to use them. Ask again when it has ended.',
  });
