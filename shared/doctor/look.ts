// Looks at the machine for an examination: files, disk, clock. What cannot be looked at is null.
import { statfsSync, statSync } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../time.ts';
import type { DiskFacts, PathFacts } from './findings.ts';

/** Fails as the system does where we may not look. */
export function lookAtPath(path: string): PathFacts {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { path, mode: stat ? stat.mode & 0o777 : null };
}

export function lookAtDisk(path: string): DiskFacts | null {
  try {
    const { blocks, bavail, bsize } = statfsSync(path);
    return { path, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    return null;
  }
}

export interface Answer {
  /** Null: it answered as a Longshore does. Else why not, in words. */
  fault: string | null;
  /** Nobody listens there. */
  isRefused: boolean;
  /** By how much our clock is ahead of its; its clock tells whole seconds. Null: it did not tell. */
  skewMs: number | null;
  /** When the certificate that it showed ends, in milliseconds since the epoch; null without TLS. */
  certificateEndsAt: number | null;
}

const ANSWER_LIMIT_MS = 5_000;

/** Asks `/healthz` there, whatever certificate it shows: nothing is told, and nothing secret is heard. */
export function askHealth(url: string, clock: Clock): Promise<Answer> {
  const target = new URL('/healthz', url);
  const begunAt = clock.now();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const nothing = { isRefused: false, skewMs: null, certificateEndsAt: null };
  const ask = target.protocol === 'https:' ? requestHttps : requestHttp;
  const options = { timeout: ANSWER_LIMIT_MS, rejectUnauthorized: false, agent: false };
  const request = ask(target, options, (response) => {
    response.resume();
    const isOurs = response.statusCode === 200 && /json/.test(response.headers['content-type'] ?? '');
    const fault = isOurs ? null : `something else answers there (status ${response.statusCode})`;
    const skewMs = skewOf(response.headers.date, (begunAt + clock.now()) / 2);
    resolve({ ...nothing, fault, skewMs, certificateEndsAt: endOfCertificate(response) });
  });
  request.on('timeout', () => request.destroy(new DOMException('no answer in time', 'TimeoutError')));
  request.on('error', (error: NodeJS.ErrnoException) =>
    resolve({ ...nothing, fault: error.code ?? error.message, isRefused: error.code === 'ECONNREFUSED' }),
  );
  request.end();
  return promise;
}

/** `now`: ours, in the middle of the question. Theirs is cut to a whole second. */
function skewOf(date: string | undefined, now: number): number | null {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? null : now - (theirs + 500);
}

function endOfCertificate({ socket }: IncomingMessage): number | null {
  const end = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to) : NaN;
  return Number.isNaN(end) ? null : end;
}
