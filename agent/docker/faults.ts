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

/**
 * What a registry's answer says of the login: `refused` wants one or does not take the one it got, `denied` may also mean
 * that there is no such image, `open` speaks of something else.
 */
export function accessIn(words: string): 'refused' | 'denied' | 'open' {
  if (/unauthorized|no basic auth credentials|incorrect username or password|token has expired/i.test(words))
    return 'refused';
  return /\bdenied\b|authorization failed|403 Forbidden/i.test(words) ? 'denied' : 'open';
}

/** The base image that a build could not look up, and why; undefined when the build failed for another reason. */
export function baseImageIn(words: string): { image: string; words: string } | undefined {
  const [, image, why] = /failed to resolve source metadata for (\S+): (.*)/.exec(words) ?? [];
  return image === undefined || why === undefined ? undefined : { image, words: why };
}

/** An error with Docker's own words as details; `action` names what was tried and on what. */
export function dockerFault(action: string, words: string, otherwise: ErrorCode, init: ErrorInit = {}): LongshoreError {
  const details = words.replace(/^(Error response from daemon: |\(HTTP code \d+\) [a-z ]+ - )/, '').trim();
  return new LongshoreError(codeOf(words, otherwise), { message: action, details, ...init });
}
