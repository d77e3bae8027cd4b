// Files of a release from the control plane, over the same pinned way as the link. What they hold is judged by their
// signature, not by where they came from.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import { openTransport, type Way } from '../link/transport.ts';

/** Without a byte for so long the other side is gone. */
const STALL_LIMIT_MS = 30_000;

export interface FetchDeps {
  way: Way;
  clock: Clock;
  signal: AbortSignal;
}

/** For small files. Throws `payload_too_large`, and as `fetchTo`. */
export async function fetchBytes(deps: FetchDeps, name: string, limitBytes: number): Promise<Buffer> {
  const answer = await open(deps, name);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    requireWithin(limitBytes, (bytes += part.length), name);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export interface FetchToOptions {
  limitBytes: number;
  /** Hears how long it will be, and may throw. */
  onLength: (bytes: number) => Promise<void>;
  onBytes: (bytes: number) => void;
}

/**
 * Into a file; returns its SHA-256 in hex. Throws `unavailable` when control does not give it, `payload_too_large`,
 * `link_closed` when it stops halfway.
 */
export async function fetchTo(
  deps: FetchDeps,
  name: string,
  path: string,
  { limitBytes, onLength, onBytes }: FetchToOptions,
): Promise<string> {
  const answer = await open(deps, name);
  try {
    const length = Number(answer.headers['content-length'] ?? 0);
    requireWithin(limitBytes, length, name);
    await onLength(length);
    const hash = createHash('sha256');
    let bytes = 0;
    const measure = async function* (parts: AsyncIterable<Buffer>) {
      for await (const part of parts) {
        requireWithin(limitBytes, (bytes += part.length), name); // a length is not always said
        hash.update(part);
        onBytes(part.length);
        yield part;
      }
    };
    await pipeline(answer, measure, createWriteStream(path, { mode: 0o600 }), { signal: deps.signal });
    return hash.digest('hex');
  } finally {
    answer.destroy();
  }
}

function requireWithin(limitBytes: number, bytes: number, name: string): void {
  if (bytes > limitBytes) throw new LongshoreError('payload_too_large', { message: `"${name}" is too large` });
}

async function open({ way, clock, signal }: FetchDeps, name: string): Promise<IncomingMessage> {
  const base = way.url.endsWith('/') ? way.url : `${way.url}/`;
  const { pathname, host } = new URL(`dist/${encodeURIComponent(name)}`, base);
  const socket = await openTransport(way, clock, signal);
  const answered = Promise.withResolvers<IncomingMessage>();
  const asked = request({
    createConnection: () => socket,
    path: pathname,
    headers: { host, connection: 'close' },
    signal,
  });
  asked.once('response', answered.resolve).once('error', answered.reject);
  socket.setTimeout(STALL_LIMIT_MS, () => asked.destroy(new LongshoreError('timed_out')));
  asked.end();
  const answer = await answered.promise;
  if (answer.statusCode === 200) return answer;
  answer.destroy();
  const message = `The control plane answered ${answer.statusCode} when asked for "${name}"`;
  throw new LongshoreError('unavailable', { message });
}
