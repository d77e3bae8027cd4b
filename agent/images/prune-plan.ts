// Which images a host can do without. Pure: what there is and what is needed in, what goes and why the rest stays out.
import type { PruneRequest } from '#shared/protocol/image-parts.ts';
import type { StoredImage } from '../docker/image-store.ts';

export interface Needed {
  /** Ids of images that containers have, running or not. */
  used: ReadonlySet<string>;
  /** Ids and digests of the images of every revision that is kept. */
  kept: ReadonlySet<string>;
}

export interface PruneChoice {
  going: StoredImage[];
  /** Unused ones that stay because a revision may be put back. */
  protectedCount: number;
  /** Unused ones that stay because they got a name lately. */
  recentCount: number;
}

export interface PruneRules {
  scope: PruneRequest['scope'];
  /** An image that got a name later than this stays. */
  before: number;
}

export function choosePrunable(
  images: readonly StoredImage[],
  needed: Needed,
  { scope, before }: PruneRules,
): PruneChoice {
  const choice: PruneChoice = { going: [], protectedCount: 0, recentCount: 0 };
  for (const image of images) {
    if (!isInScope(image, scope) || needed.used.has(image.id)) continue;
    if (isKept(image, needed.kept)) choice.protectedCount++;
    else if (image.namedAt > before) choice.recentCount++;
    else choice.going.push(image);
  }
  return choice;
}

const isInScope = ({ tags }: StoredImage, scope: PruneRequest['scope']): boolean =>
  scope === 'unused' || (scope === 'dangling' && tags.length === 0);

/** By digest as well: an image that was pulled again is the same image, whatever its id. */
const isKept = ({ id, digests }: StoredImage, kept: ReadonlySet<string>): boolean =>
  kept.has(id) || digests.some((digest) => kept.has(digest));

/** The names to take off, one after another: without any, the id stands for it. */
export const namesOf = ({ id, tags }: StoredImage): string[] => (tags.length === 0 ? [id] : tags);

/** What is freed for certain; layers that only removed images share come on top. */
export const freedBy = (images: readonly StoredImage[]): number =>
  images.reduce((sum, { sizeBytes, sharedBytes }) => sum + sizeBytes - sharedBytes, 0);
