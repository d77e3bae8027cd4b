// Looks at the machine for an examination: files, disk, clock. What cannot be looked at is null.
import { statfsSync, statSync } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { DiskFacts, PathFacts } from './findings.ts';

export const lookAtPath = (path: string): PathFacts => ({
  path,
  mode: (statSync(path, { throwIfNoEntry: false })?.mode ?? null) && statSync(path).mode & 0o777,
});

/** Of a folder that will be made: the place where it will be. */
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
export function askHealth(url: string): Promise<Answer> {
  const target = new URL('/healthz', url);
  const begunAt = Date.now();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const nothing = { isRefused: false, skewMs: null, certificateEndsAt: null };
  const ask = target.protocol === 'https:' ? requestHttps : requestHttp;
  const options = { timeout: ANSWER_LIMIT_MS, rejectUnauthorized: false, agent: false };
  const request = ask(target, options, (response) => {
    response.resume();
    const isOurs = response.statusCode === 200 && /json/.test(response.headers['content-type'] ?? '');
    const fault = isOurs ? null : `something else answers there (status ${response.statusCode})`;
    const skewMs = skewOf(response.headers.date, begunAt);
    resolve({ ...nothing, fault, skewMs, certificateEndsAt: endOfCertificate(response) });
  });
  request.on('timeout', () => request.destroy(new DOMException('no answer in time', 'TimeoutError')));
  request.on('error', (error: NodeJS.ErrnoException) =>
    resolve({ ...nothing, fault: error.code ?? error.message, isRefused: error.code === 'ECONNREFUSED' }),
  );
  request.end();
  return promise;
}

function skewOf(date: string | undefined, begunAt: number): number | null {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? null : (begunAt + Date.now()) / 2 - (theirs + 500);
}

function endOfCertificate({ socket }: IncomingMessage): number | null {
  const end = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to) : NaN;
  return Number.isNaN(end) ? null : end;
}
