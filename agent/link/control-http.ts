// HTTP with control by the way of the link: the same trust, the same proxy. For downloads; closed by whoever opened it.
import { callbackify } from 'node:util';
import type { Agent } from 'undici';
import type { Clock } from '#shared/time.ts';
import { openTransport, type Way } from './transport.ts';

/** `signal`: gives up connections that are being made. */
export async function openControlHttp(way: Way, clock: Clock, signal: AbortSignal): Promise<Agent> {
  const undici = await import('undici'); // most agents never need it
  const open = callbackify(() => openTransport(way, clock, signal));
  return new undici.Agent({
    connect: (_options, done) => open((error, socket) => (error ? done(error, null) : done(null, socket))),
  });
}
