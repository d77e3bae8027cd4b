// A deploy's images: there before `up` runs (which pulls nothing), recorded to the digest, and put back by digest.
import { findLogin, repositoryOf } from '#shared/compose/image-name.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { RegistryLogin } from '#shared/model.ts';
import type { Engine, Image } from '../docker/engine.ts';
import type { StepUpdate } from './job-run.ts';
import { imageOf, type Rendered, type RenderedService } from './rendered.ts';
import type { ImageRecord } from './revisions/revisions.ts';
import type { Task } from './task.ts';

type Say = (update: StepUpdate) => void;

/** Image by compose service; undefined where the host has none of that name. */
export type FoundImages = Record<string, Image | undefined>;

export async function findImages(engine: Engine, rendered: Rendered): Promise<FoundImages> {
  const names = Object.keys(rendered.services);
  const references = new Map(names.map((name) => [imageOf(rendered, name), undefined as Image | undefined]));
  await Promise.all([...references.keys()].map(async (one) => references.set(one, await engine.findImage(one))));
  return Object.fromEntries(names.map((name) => [name, references.get(imageOf(rendered, name))]));
}

export const idsOf = (found: FoundImages): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(found).map(([name, image]) => [name, image?.id]));

interface Pull {
  reference: string;
  platform: string | undefined;
  isHere: boolean;
}

/** What must be pulled, each image once. The job's policy wins over the file's; what is built here never is. */
export function pullsOf(rendered: Rendered, found: FoundImages, policy: PullPolicy | undefined): Pull[] {
  const pulls = new Map<string, Pull>();
  for (const [name, service] of Object.entries(rendered.services)) {
    const reference = imageOf(rendered, name);
    const isHere = found[name] !== undefined;
    if (service.build !== undefined || !wantsPull(service, policy, isHere)) continue;
    pulls.set(reference, { reference, platform: service.platform, isHere });
  }
  return [...pulls.values()];
}

function wantsPull({ pull_policy: own }: RenderedService, policy: PullPolicy | undefined, isHere: boolean): boolean {
  const effective = policy ?? own ?? 'missing';
  if (effective === 'never') return false;
  return !isHere || effective === 'always';
}

export interface PullContext {
  engine: Engine;
  logins: readonly RegistryLogin[];
  signal: AbortSignal;
}

export const pullContextOf = ({ deps: { engine }, run }: Task): PullContext => ({
  engine,
  logins: run.service.spec.registries ?? [],
  signal: run.signal,
});

/**
 * All at once. An image that is here anyway may fail to be refreshed: that is a warning, returned in words. A login that
 * is refused is no such case, because nothing would ever be refreshed again.
 */
export async function pullImages(
  { engine, logins, signal }: PullContext,
  pulls: readonly Pull[],
  say: Say,
): Promise<string[]> {
  const percents = new Map<string, number>();
  const pullOne = async ({ reference, platform, isHere }: Pull): Promise<string | undefined> => {
    const onProgress = ({ percent, message }: { percent: number; message: string }) => {
      percents.set(reference, percent);
      const sum = [...percents.values()].reduce((total, one) => total + one, 0);
      say({ percent: Math.floor(sum / pulls.length), message: `${reference}: ${message}` });
    };
    try {
      await engine.pullImage(reference, { onProgress, signal, platform, login: findLogin(logins, reference) });
      return undefined;
    } catch (error) {
      if (!isHere || !(error instanceof LongshoreError) || error.code !== 'image_unavailable') throw error;
      return `could not refresh ${reference}, using the one that is here: ${error.details ?? error.message}`;
    }
  };
  const warnings = await Promise.all(pulls.map(pullOne));
  return warnings.filter((warning) => warning !== undefined);
}

/** The same images, all there. Fails with `image_unavailable` naming the first that is missing. */
export function requireImages(rendered: Rendered, found: FoundImages): FoundImages {
  const missing = Object.keys(rendered.services).find((name) => found[name] === undefined);
  if (missing === undefined) return found;
  const reference = imageOf(rendered, missing);
  throw new LongshoreError('image_unavailable', {
    message: `Image "${reference}" of service "${missing}" is not on the host`,
    details: 'it was neither pulled nor built',
  });
}

export const recordImages = (rendered: Rendered, found: FoundImages): Record<string, ImageRecord> =>
  Object.fromEntries(
    Object.entries(found).flatMap(([name, image]) => {
      return image ? [[name, { reference: imageOf(rendered, name), id: image.id, digests: image.digests }]] : [];
    }),
  );

/** The recorded images themselves, whatever their names stand for now; undefined where one is not on the host. */
export async function findRecorded(engine: Engine, images: Record<string, ImageRecord>): Promise<FoundImages> {
  const found = Object.entries(images).map(async ([name, { id }]) => [name, await engine.findImage(id)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Whether each name still stands for exactly the recorded image. */
export async function haveImages(engine: Engine, images: Record<string, ImageRecord>): Promise<boolean> {
  const byName = new Map(Object.values(images).map(({ reference, id }) => [reference, id]));
  const same = await Promise.all([...byName].map(async ([name, id]) => (await engine.findImage(name))?.id === id));
  return same.every(Boolean);
}

/**
 * Makes each name stand for exactly the recorded image again: by tag where it is here, else by digest from its registry.
 * Fails with `image_unavailable` where it is neither.
 */
export async function restoreImages(
  { engine, logins, signal }: PullContext,
  images: Record<string, ImageRecord>,
): Promise<void> {
  const records = new Map(Object.values(images).map((record) => [record.reference, record]));
  await Promise.all(
    [...records.values()].map(async ({ reference, id, digests }) => {
      if ((await engine.findImage(reference))?.id === id) return;
      if (!(await engine.findImage(id))) {
        const digest = digestFor(reference, digests) ?? refuseLost(reference, id);
        await engine.pullImage(digest, { signal, login: findLogin(logins, digest) });
      }
      if (!reference.includes('@')) await engine.tagImage(id, reference);
    }),
  );
}

/** It was built here, and somebody removed it. */
function refuseLost(reference: string, id: string): never {
  throw new LongshoreError('image_unavailable', {
    message: `Image "${reference}" as it was is gone from the host`,
    details: `${id} came from no registry, so there is no place to get it from again`,
  });
}

/** Where it came from, of all the repositories that have it: only that one need know our login. */
const digestFor = (reference: string, digests: readonly string[]): string | undefined =>
  digests.find((digest) => repositoryOf(digest) === repositoryOf(reference)) ?? digests[0];
