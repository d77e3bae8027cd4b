// What dockerode throws, as our errors: no answer, or Docker's own status and words.
import { LongshoreError } from '#shared/errors.ts';
import { dockerFault } from './faults.ts';

/** Connection errors of the socket itself. */
const SOCKET_ERRORS: ReadonlySet<string> = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EACCES',
  'EAGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'ABORT_ERR',
]);

export type DockerodeError = Error & { statusCode?: number; code?: string; json?: { message?: string } };

/** Connections that a frozen engine has not taken stay in its queue, also when we have left long since. */
export const isQueueFull = (error: unknown): boolean => (error as DockerodeError).code === 'EAGAIN';

export function asFault(action: string, error: unknown, isLate: boolean): LongshoreError {
  if (error instanceof LongshoreError) return error;
  const fault = error as DockerodeError;
  if (isLate)
    return new LongshoreError('docker_unavailable', { details: `${action}: no answer in time`, cause: error });
  if (fault.statusCode === undefined && SOCKET_ERRORS.has(fault.code ?? '')) {
    return new LongshoreError('docker_unavailable', { details: action, cause: error });
  }
  return dockerFault(action, fault.json?.message ?? fault.message, 'docker_error', { cause: error });
}

/** Docker's own HTTP status, kept in the cause. */
const statusOf = (error: unknown): number | undefined =>
  ((error as Error).cause as DockerodeError | undefined)?.statusCode;

export const ifStatus = (status: number) => (error: unknown) => {
  if (statusOf(error) !== status) throw error;
};

/** Turns "no such …" into a value. */
export function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (statusOf(error) !== 404) throw error;
    return value;
  };
}
