// From Docker's and Compose's words to our codes. Both report most failures as text only (Compose has one exit code),
// so this is the one file that matches on message text; what it does not know stays the general code.
import { LongshoreError, type ErrorCode, type ErrorInit } from '#shared/errors.ts';

const PATTERNS: readonly [RegExp, ErrorCode][] = [
  [/port is already allocated|address already in use|failed to bind host port/i, 'port_taken'],
  [
    /cannot connect to the docker daemon|error during connect|docker\.sock.*(connect|EOF)|unexpected EOF$/i,
    'docker_unavailable',
  ],
  [
    /no such image|manifest (for .* not found|unknown)|pull access denied|repository does not exist/i,
    'image_unavailable',
  ],
  [/no space left on device/i, 'host_disk_full'],
];

/** The code for a message of Docker or Compose; `otherwise` when it says nothing we know. */
export function codeOf(message: string, otherwise: ErrorCode): ErrorCode {
  return PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? otherwise;
}

/** An error with Docker's own words as details; `action` names what was tried and on what. */
export function dockerFault(action: string, words: string, otherwise: ErrorCode, init: ErrorInit = {}): LongshoreError {
  const details = words.replace(/^(Error response from daemon: |\(HTTP code \d+\) [a-z ]+ - )/, '').trim();
  return new LongshoreError(codeOf(words, otherwise), { message: action, details, ...init });
}
