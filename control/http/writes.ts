// Writes: what a handler answers, and the Idempotency-Key that makes the same request give the same answer again.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LongshoreError } from '#shared/errors.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Caller } from '../app/api/caller.ts';
import type { Idempotency } from '../app/api/idempotency.ts';
import { callerOf } from './auth.ts';
import { pathOf } from './errors.ts';

export interface Answer {
  status: number;
  /** Absent for 204. */
  body?: unknown;
}

/** Printable ASCII, as a header field holds it; longer ones are no keys but payloads. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** Runs a request's work and answers with its outcome; with an Idempotency-Key, at most once. */
export function writer(idempotency: Idempotency) {
  return async (request: FastifyRequest, reply: FastifyReply, work: (caller: Caller) => Promise<Answer>) => {
    const caller = callerOf(request);
    const key = readKey(request);
    if (key === undefined) return send(reply, await work(caller));
    const answer = await idempotency.once(caller, key, fingerprint(request), async () => {
      const { status, body = null } = await work(caller);
      return { status, body };
    });
    if (answer.isReplay) reply.header('idempotency-replayed', 'true');
    return send(reply, answer);
  };
}

function readKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  return key === undefined ? undefined : requireKey(key);
}

/** Throws `bad_request` for what is no key. */
export function requireKey(key: string | string[]): string {
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))
    throw new LongshoreError('bad_request', {
      message: 'The Idempotency-Key must be 1–255 printable ASCII characters',
    });
  return key;
}

/** Of the checked body, so that spacing and the order of keys make no difference. */
const fingerprint = (request: FastifyRequest): string =>
  `${request.method} ${pathOf(request)} ${sha256(JSON.stringify(request.body ?? null))}`;

const send = (reply: FastifyReply, { status, body }: Answer) =>
  reply.code(status).send(status === 204 ? undefined : body);
