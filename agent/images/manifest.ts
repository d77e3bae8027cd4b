// How much a pull downloads, by what a registry says of an image: manifests and indexes of the OCI image spec, and
// Docker's, which have the same shape. Pure. Every word and number in them is a stranger's.
import { isMap } from '#shared/compose/values.ts';
import { DIGEST } from './registry-answers.ts';

/** The compressed bytes of an image, or the digest of the manifest that an index has for the platform. */
export type ManifestAnswer = { bytes: number } | { digest: string };

/** `platform`: `linux/arm64/v8`. Undefined for what says neither. */
export function readManifest(text: string, platform: string): ManifestAnswer | undefined {
  const manifest = parse(text);
  if (!isMap(manifest)) return undefined;
  if (Array.isArray(manifest['manifests'])) return choose(manifest['manifests'], platform);
  if (!Array.isArray(manifest['layers'])) return undefined;
  return sum([manifest['config'], ...manifest['layers']]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As Docker: the first that fits. A variant that is not named, on either side, fits any. */
function choose(entries: readonly unknown[], platform: string): ManifestAnswer | undefined {
  const [os, architecture, variant] = platform.split('/');
  const fitting = entries.filter(isMap).find(({ platform: made }) => {
    if (!isMap(made) || made['os'] !== os || made['architecture'] !== architecture) return false;
    return variant === undefined || made['variant'] === undefined || made['variant'] === variant;
  });
  const digest = fitting?.['digest'];
  return typeof digest === 'string' && DIGEST.test(digest) ? { digest } : undefined;
}

/** A layer that an image has twice is fetched once. */
function sum(parts: readonly unknown[]): ManifestAnswer | undefined {
  const sizes = new Map<string, number>();
  for (const part of parts) {
    if (!isMap(part)) return undefined;
    const { digest, size } = part;
    if (typeof digest !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      return undefined;
    sizes.set(digest, size);
  }
  const bytes = [...sizes.values()].reduce((total, size) => total + size, 0);
  return Number.isSafeInteger(bytes) ? { bytes } : undefined;
}
