// What the command's exit code means, in one table; docs/cli.md is compared with it by a test. Scripts branch on these,
// so a number never changes its meaning.
import type { ErrorCode } from '#shared/errors.ts';
import { LongshoreError } from '#shared/errors.ts';
import { ApiError, JobFailedError, ProgramExit } from './failures.ts';

export const EXIT_CODES = {
  ok: { code: 0, meaning: 'Done.' },
  failed: { code: 1, meaning: 'A job or deploy failed, or something unexpected happened.' },
  usage: { code: 2, meaning: 'The command line is wrong: an unknown flag, a missing argument, an unreadable file.' },
  notFound: { code: 3, meaning: 'There is no such service, job, host, key, template, customer or plan.' },
  denied: { code: 4, meaning: 'The API key is missing, wrong or lacks a permission; with `local`: not root.' },
  conflict: { code: 5, meaning: 'Not now: a name is taken, another job runs, the host is offline, too many requests.' },
  invalid: { code: 6, meaning: 'The control plane refused the input: a compose file, a variable, a field.' },
  unreachable: { code: 7, meaning: 'The control plane cannot be reached; with `local`: no agent runs, or it hangs.' },
  config: { code: 78, meaning: 'The configuration is not valid: a bad URL, an unreadable key file.' },
  interrupted: { code: 130, meaning: 'Interrupted with Ctrl-C.' },
} as const;
export type Exit = keyof typeof EXIT_CODES;

/** Codes that are the end of a job, not a state to wait for, though they travel as 409 or 422. */
const JOB_ENDS: ReadonlySet<ErrorCode> = new Set([
  'image_unavailable',
  'build_failed',
  'apply_failed',
  'unhealthy',
  'exited',
  'timed_out',
  'interrupted',
  'cancelled',
  'superseded',
  'expired',
  'docker_unavailable',
  'docker_error',
]);

const BY_STATUS: Record<number, Exit> = {
  400: 'usage',
  401: 'denied',
  403: 'denied',
  404: 'notFound',
  409: 'conflict',
  413: 'invalid',
  422: 'invalid',
  429: 'conflict',
  503: 'conflict',
};

/** Which exit an error leads to. */
export function exitOf(error: unknown): Exit {
  // A DOMException from our own signal; an Error of this name from a prompt that sees Ctrl-C as a key.
  if (error instanceof Error && error.name === 'AbortError') return 'interrupted';
  if (error instanceof JobFailedError) return 'failed';
  if (!(error instanceof LongshoreError)) return 'failed';
  if (error instanceof ApiError && error.isUnreachable) return 'unreachable';
  if (error.code === 'tls_untrusted') return 'unreachable';
  if (error.code === 'config_invalid') return 'config';
  if (JOB_ENDS.has(error.code)) return 'failed';
  return BY_STATUS[error.status] ?? 'failed';
}

export const exitCodeOf = (error: unknown): number =>
  error instanceof ProgramExit ? error.exitCode : EXIT_CODES[exitOf(error)].code;
