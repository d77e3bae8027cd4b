// Labels of a host: a grammar that needs no quoting in a selector, and a limit. Pure.
import { LongshoreError } from '#shared/errors.ts';

export const LABEL_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?$/;
export const LABEL_NAME_RULE = '1–63 letters, digits, ".", "_", "/" and "-", with a letter or digit at both ends';
/** Lists of hosts show them in one line. */
export const MAX_HOST_LABELS = 32;

/** Null removes. Throws validation_error past the limit. */
export function mergeLabels(
  labels: Record<string, string>,
  change: Record<string, string | null>,
): Record<string, string> {
  const merged = Object.entries({ ...labels, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  if (merged.length <= MAX_HOST_LABELS) return Object.fromEntries(merged);
  throw new LongshoreError('validation_error', { fields: { labels: `A host has at most ${MAX_HOST_LABELS}` } });
}
