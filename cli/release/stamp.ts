// install.sh as a release brings it: the lines that say which release this is, and whose. In a checkout they are empty.
import { LongshoreError } from '#shared/errors.ts';

export interface Stamp {
  version: string;
  /** SPKI DER in base64: what stands between the two lines of a PEM. */
  publicKey: string;
}

/** Safe between single quotes. */
const PLAIN = /^[\w.+/=-]*$/;

/** Throws `state_conflict` when a line to fill in is not there exactly once. */
export function stampInstaller(script: string, { version, publicKey }: Stamp): string {
  return fill(fill(script, 'RELEASE_VERSION', version), 'RELEASE_KEY', publicKey);
}

function fill(script: string, name: string, value: string): string {
  const line = new RegExp(`^${name}=(?=\\s)`, 'gm');
  if ([...script.matchAll(line)].length === 1 && PLAIN.test(value)) return script.replace(line, `${name}='${value}'`);
  throw new LongshoreError('state_conflict', { message: `Cannot build: install.sh has not one line "${name}="` });
}
