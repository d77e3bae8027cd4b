// How much a deploy would download, as registries say. A plan waits for this, so it takes a few seconds at most, and a
// registry that does not answer leaves its images without a size and nothing else. Docker Hub is not asked: it would
// count the question as a pull, and the deploy may need that pull.
import { DOCKER_HUB, serverOf } from '#shared/compose/image-name.ts';
import { aborted } from '#shared/time.ts';
import type { Download } from '../deploy/plan/downloads.ts';
import { readManifest } from './manifest.ts';
import type { Registries } from './registry.ts';

export interface DownloadsDeps {
  registries: Pick<Registries, 'fetchManifest'>;
  /** Default DEADLINE_MS. */
  deadlineMs?: number;
}

/** For all of them together: somebody is looking at the screen. */
const DEADLINE_MS = 5_000;
/** At once: a registry sees a few questions, not a hundred. */
const AT_ONCE = 4;

/** Bytes by reference, without those that are not known. Throws only what `signal` was aborted with. */
export async function measureDownloads(
  { registries, deadlineMs = DEADLINE_MS }: DownloadsDeps,
  downloads: readonly Download[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const waiting = downloads.filter(({ reference }) => serverOf(reference) !== DOCKER_HUB);
  if (waiting.length === 0) return new Map();
  const over = AbortSignal.any([AbortSignal.timeout(deadlineMs), signal]);
  const known = new Map<string, number>();
  const work = async () => {
    for (let next = waiting.shift(); next && !over.aborted; next = waiting.shift()) {
      const bytes = await measure(registries, next, over).catch(() => undefined);
      if (bytes !== undefined) known.set(next.reference, bytes);
    }
  };
  // A resolver that hangs hears of no signal.
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, work)), aborted(over)]);
  signal.throwIfAborted();
  return new Map(known);
}

/** An index leads to one manifest; one that leads to another index is left. */
async function measure(
  registries: DownloadsDeps['registries'],
  { reference: image, platform, login }: Download,
  signal: AbortSignal,
): Promise<number | undefined> {
  const first = readManifest(await registries.fetchManifest({ image, login }, signal), platform);
  if (!first || 'bytes' in first) return first?.bytes;
  const { digest } = first;
  const second = readManifest(await registries.fetchManifest({ image, login, digest }, signal), platform);
  return second && 'bytes' in second ? second.bytes : undefined;
}
