// What a host may be called: one of the fleet, in words that need no quoting anywhere. Pure.
export const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
export const HOST_NAME_RULE = '1–63 characters a–z, 0–9, dots and dashes, with a letter or digit at both ends';

/** Room for what tells it from others of the same name. */
const MAX_STEM_CHARS = 55;

/** The name a machine comes in with: its own, as far as that can be one, and free. */
export function nameFor(hostname: string, isTaken: (name: string) => boolean): string {
  const stem = toStem(hostname);
  if (!isTaken(stem)) return stem;
  let number = 2;
  while (isTaken(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

function toStem(hostname: string): string {
  const plain = hostname.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-');
  const stem = plain
    .replace(/^[.-]+/, '')
    .slice(0, MAX_STEM_CHARS)
    .replace(/[.-]+$/, '');
  return stem === '' ? 'host' : stem;
}
