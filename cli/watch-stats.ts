// What a service uses, each time that its host has measured it, until Ctrl-C.
import type { WireError } from '#shared/errors.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Client } from './client.ts';
import { ApiError } from './failures.ts';
import { openSocket } from './socket.ts';
import type { ServiceStats } from './stats-types.ts';

type Containers = ServiceStats['containers'];
type Message =
  | { type: 'service.stats'; containers: Containers }
  | ({ type: 'error' } & WireError)
  /** News that come before the subscription is heard. */
  | { type: 'other' };

export async function watchStats(client: Client, id: string, show: (containers: Containers) => void): Promise<never> {
  using socket = await openSocket(client, '/api/ws', {});
  socket.send({ type: 'subscribe', types: ['service.stats'], service_ids: [id] });
  for await (const text of socket) {
    const message = JSON.parse(text) as Message;
    if (message.type === 'error') throw ApiError.answered(message, undefined);
    if (message.type === 'service.stats') show(message.containers);
  }
  client.signal.throwIfAborted();
  throw new LongshoreError('link_closed', { message: 'The connection to the control plane closed' });
}
