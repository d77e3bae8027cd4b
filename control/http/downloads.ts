// Files as answers (RFC 9110): whole or from where a download broke off, or that the client has it already. Streamed: a
// reader that is slow costs a socket and an open file, and there is a limit to both.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import type { ServedFile } from '../app/api/releases.ts';
import { readRange } from './byte-range.ts';

/** A wave of upgrades over a thousand hosts fits. */
const AT_ONCE = 256;
const RETRY_SECONDS = 10;
/** A reader that takes nothing for so long is gone. */
const STALL_MS = 60_000;

const TYPES: Record<string, string> = {
  '.sh': 'text/plain; charset=utf-8',
  '.json': 'application/json',
  '.gz': 'application/gzip',
  '.xz': 'application/x-xz',
};
const OTHER_TYPE = 'application/octet-stream';

export class Downloads {
  readonly #atOnce: number;
  readonly #stallMs: number;
  #underWay = 0;

  constructor({ atOnce = AT_ONCE, stallMs = STALL_MS } = {}) {
    this.#atOnce = atOnce;
    this.#stallMs = stallMs;
  }

  send(file: ServedFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { 'if-none-match': known, range, 'if-range': expected } = request.headers;
    const tag = `"${file.sha256}"`;
    const isKnown = known !== undefined && (known.trim() === '*' || known.includes(tag));
    const part = expected === undefined || expected === tag ? readRange(range, file.size) : undefined;
    const isBody = request.method !== 'HEAD' && !isKnown && part !== 'unsatisfiable';
    if (isBody) this.#take(reply);
    reply.header('etag', tag).header('accept-ranges', 'bytes');
    reply.header('cache-control', 'no-cache'); // kept, but asked about: a build of the same version has the same name
    if (isKnown) return reply.code(304).send();
    if (part === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${file.size}`).send();
    const { start, end } = part ?? { start: 0, end: file.size - 1 };
    if (part) reply.code(206).header('content-range', `bytes ${start}-${end}/${file.size}`);
    reply.type(typeOf(file.name)).header('content-length', end - start + 1);
    return reply.send(isBody ? createReadStream(file.path, { start, end }) : Readable.from([]));
  }

  #take(reply: FastifyReply): void {
    if (this.#underWay >= this.#atOnce) throw new LongshoreError('unavailable', { retryAfter: RETRY_SECONDS });
    this.#underWay += 1;
    reply.raw.setTimeout(this.#stallMs, () => reply.raw.destroy());
    reply.raw.once('close', () => (this.#underWay -= 1));
  }
}

const typeOf = (name: string): string => TYPES[/\.\w+$/.exec(name)?.[0] ?? ''] ?? OTHER_TYPE;
