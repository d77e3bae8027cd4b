// The control plane's settings about names, by their texts. Pure.
import type { EdgeSettings } from './edges.ts';

/** For networks of one's own and for tests: certificates that nobody else trusts. */
const INTERNAL = 'internal';

/** An ACME directory, or `internal`. */
export function readDirectory(text: string): string | undefined {
  if (text === INTERNAL) return text;
  return URL.canParse(text) && new URL(text).protocol === 'https:' ? text : undefined;
}

interface Texts {
  'base-domain'?: string | undefined;
  'acme-email'?: string | undefined;
  'acme-directory'?: string | undefined;
}

export function toEdgeSettings(texts: Texts): EdgeSettings {
  const directory = texts['acme-directory'] ?? null;
  return {
    baseDomain: texts['base-domain'] ?? null,
    issuer:
      directory === INTERNAL ? { kind: 'internal' } : { kind: 'acme', email: texts['acme-email'] ?? null, directory },
  };
}
