// The far side of webhooks: a real HTTP server that keeps what it got and answers as a test says; and the courier of a
// control world, which a crash leaves behind.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook as Verifier } from 'standardwebhooks';
import type { Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { startWebhookDeliveries } from '../../control/jobs/deliver-webhooks.ts';
import { ControlWorld } from './control-world.ts';
import { eventually } from './eventually.ts';
import { ManualClock } from './manual-clock.ts';

export interface Received {
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  payload: { type: string; timestamp: string; data: Record<string, unknown> };
}

/** Answers a message; nothing said is a hang. */
export type Answer = (response: ServerResponse, received: Received) => void;

export const accept: Answer = (response) => response.writeHead(204).end();
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

export class Receiver {
  readonly received: Received[] = [];
  answer: Answer = accept;
  url = '';

  get types(): string[] {
    return this.received.map(({ payload }) => payload.type);
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  async until(count: number): Promise<Received[]> {
    return eventually(() => this.received, { until: ({ length }) => length >= count, intervalMs: 5 });
  }
}

export async function startReceiver(t: Test, answer: Answer = accept): Promise<Receiver> {
  const receiver = new Receiver();
  receiver.answer = answer;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const payload = JSON.parse(body) as Received['payload'];
      const received = { id: String(request.headers['webhook-id']), headers: request.headers, body, payload };
      receiver.received.push(received);
      receiver.answer(response, received);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return receiver;
}

/** Throws unless the secret signed it. */
export const verify = (secret: string, { body, headers }: Received): unknown =>
  new Verifier(secret).verify(body, headers as Record<string, string>);

/** A world that may call this machine; its clock starts now, because receivers refuse old signatures. */
export const openWorld = (t: Test): ControlWorld =>
  new ControlWorld(t, { clock: new ManualClock(Date.now()), egress: { allowsPrivate: true } });

/** Carries webhooks out until the test ends or `stop` is called: what is under way then is cut. */
export function startCourier(t: Test, world: ControlWorld): { stop: () => Promise<void> } {
  const scope = new Scope(silentLogger());
  const { stores, parts, egress, clock } = world;
  const onCommit = (listener: () => void) => stores.writer.onCommit(listener);
  const deps = { queue: parts.deliveries, send: egress.send, onCommit, clock, log: silentLogger() };
  startWebhookDeliveries(deps, scope);
  t.teardown(() => scope.stop());
  return { stop: () => scope.stop() };
}
