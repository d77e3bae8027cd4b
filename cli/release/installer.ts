// install.sh as one file, for a pipe: in a checkout it reads its parts from cli/install.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';

const PART = /^\. "\$PARTS\/([a-z]+\.sh)"$/gm;
const FOLDER = /^PARTS=.*\n/m;

/** `root`: a checkout. Throws `state_conflict` when install.sh names no parts. */
export function readInstaller(root: string): string {
  const script = readFileSync(join(root, 'install.sh'), 'utf8');
  return joinParts(script, (name) => readFileSync(join(root, 'cli/install', name), 'utf8'));
}

export function joinParts(script: string, partOf: (name: string) => string): string {
  const whole = script.replace(FOLDER, '').replace(PART, (_line, name: string) => partOf(name).trimEnd());
  if (whole !== script && !whole.includes('$PARTS')) return whole;
  throw new LongshoreError('state_conflict', {
    message: 'Cannot build: install.sh does not read its parts as expected',
  });
}
