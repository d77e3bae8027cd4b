// Whether what runs is what its registry has. Pure.
import type { ImageCheck } from '#shared/image-updates.ts';
import { canonicalOf, placeOf } from './reference.ts';

/** What a compose service runs. */
export interface RunningImage {
  service: string;
  /** As the container was made with it. */
  image: string;
  /** `name@sha256:…` as registries know it; undefined when the image is gone from the host. */
  digests: readonly string[] | undefined;
}

/** The registry's answer, or why there is none. */
export type Newest = { digest: string } | { reason: string };

/** The digests that the image has in the very repository its name means. */
function ownDigests({ image, digests = [] }: RunningImage): string[] {
  const repository = canonicalOf(image);
  return digests.filter((one) => canonicalOf(one) === repository).map((one) => one.slice(one.indexOf('@') + 1));
}

/** What can be said without asking anybody; undefined when a registry must be asked. */
export function judgeAlone(running: RunningImage): ImageCheck | undefined {
  const { service, image, digests } = running;
  const [currentDigest = null] = ownDigests(running);
  const said = { service, image, currentDigest, newestDigest: null };
  if (!placeOf(image)) return { ...said, currentDigest: digestIn(image), state: 'fixed', reason: null };
  if (digests === undefined)
    return { ...said, state: 'unknown', reason: 'The image it was made of is gone from the host' };
  return currentDigest === null ? { ...said, state: 'fixed', reason: null } : undefined;
}

/** An image may have had several names in one registry: any of its digests will do. */
export function judge(running: RunningImage, newest: Newest): ImageCheck {
  const { service, image } = running;
  const digests = ownDigests(running);
  const said = { service, image, currentDigest: digests[0] ?? null };
  if ('reason' in newest) return { ...said, state: 'unknown', newestDigest: null, reason: newest.reason };
  const isCurrent = digests.includes(newest.digest);
  const currentDigest = isCurrent ? newest.digest : said.currentDigest;
  return { ...said, currentDigest, state: isCurrent ? 'current' : 'newer', newestDigest: newest.digest, reason: null };
}

const digestIn = (image: string): string | null => /sha256:[0-9a-f]{64}$/.exec(image)?.[0] ?? null;
