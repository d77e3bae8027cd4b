// Hides a service's secrets in values that are shown one by one: within a text as in logs, and a whole value also where
// the secret is too short to be looked for within texts.
import { MASK } from '#shared/secret-names.ts';
import { createMask } from './mask.ts';

export type Hide = (text: string) => string;

export function hideIn(secrets: readonly string[]): Hide {
  const [mask, whole] = [createMask(secrets), new Set(secrets)];
  return (text) => (text !== '' && whole.has(text) ? MASK : (mask?.text(text) ?? text));
}
