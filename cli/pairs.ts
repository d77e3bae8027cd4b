// `NAME=VALUE` arguments and env files.
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';

/** Later ones win; the value may hold `=`. */
export function parsePairs(pairs: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => parsePair(pair, flag)));
}

function parsePair(pair: string, flag: string): [string, string] {
  const at = pair.indexOf('=');
  // The text may hold a secret, so the message does not repeat it.
  if (at <= 0) throw new LongshoreError('bad_request', { message: `${flag} takes NAME=VALUE` });
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** A file of a flag; `-` is stdin. Throws `bad_request` when it can't be read. */
export function readInput(file: string, flag: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const details = (error as Error).message;
    throw new LongshoreError('bad_request', { message: `Cannot read the file of ${flag}, "${file}"`, details });
  }
}

/** The variables of a dotenv file. */
export function readEnvFile(file: string): Record<string, string> {
  const parsed = Object.entries(parseEnv(readInput(file, '--env-file')));
  return Object.fromEntries(parsed.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
