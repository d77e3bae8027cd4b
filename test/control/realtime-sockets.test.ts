// The life of a client's WebSocket, whatever it shows: refusals before the upgrade, limits, bad frames, the end.
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { WebSocket } from 'ws';
import { ClientSockets, MAX_FRAMES, MAX_SOCKETS_PER_KEY } from '../../control/realtime/client-sockets.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApp } from '../support/fake-app.ts';
import { startTestHttp, type TestHttp } from '../support/http-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.test('A16, A18: an upgrade without a key, without the permission, or to nothing is an ordinary answer', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.app.addKey('lsk_reader', ['services.read']);
  const logs = '/api/services/svc_a/logs?follow=true';
  const refused = (path: string, key: string | null) => http.socket(path, { key }).opened;
  t.match(await refused('/api/ws', null), { status: 401, body: { error: { code: 'unauthorized' } } });
  t.match(await refused('/api/ws', 'lsk_no'), { status: 401 });
  t.match(await refused(logs, 'lsk_reader'), { status: 403, body: { error: { details: 'Needs services.logs' } } });
  t.match(await refused('/api/services/svc_no/logs?follow=true', 'lsk_admin'), { status: 404 });
  t.match(await refused('/api/nothing', 'lsk_admin'), { status: 404 });
  t.match(await refused('/api/services', 'lsk_admin'), { status: 400, body: { error: { code: 'bad_request' } } });
  t.match(await refused(`${logs}&tail=x`, 'lsk_admin'), { status: 400, body: { error: { code: 'invalid_query' } } });
  t.match(await http.error('GET', '/api/ws'), { status: 400, message: 'Connect here with a WebSocket' });
});

t.test('a key in the Authorization header opens a socket', async (t) => {
  const http = await startTestHttp(t);
  const socket = http.socket('/api/ws', { key: null, headers: { authorization: 'Bearer lsk_admin' } });
  t.equal(await socket.opened, true);
});

t.test('a service log is followed as one entry a message', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  http.frames = async function* () {
    yield Buffer.from(
      '{"timestamp":"2026-03-29T14:30:00.000000001Z","stream":"stderr","message":"oops","container":"a-1"}\n',
    );
    await new Promise(() => {});
  };
  const socket = http.socket('/api/services/svc_a/logs?follow=true&tail=0');
  t.match(await socket.until(({ message }) => message === 'oops'), { stream: 'stderr', container: 'a-1' });
});

t.test('A32: a key holds at most 20 sockets; the next is refused with 429, and a closed one makes room', async (t) => {
  const http = await startTestHttp(t);
  const sockets = Array.from({ length: MAX_SOCKETS_PER_KEY }, () => http.socket('/api/ws'));
  for (const socket of sockets) t.equal(await socket.opened, true);
  t.match(await http.socket('/api/ws').opened, { status: 429, body: { error: { code: 'too_many_sockets' } } });
  http.app.addKey('lsk_other', ['*']);
  t.equal(await http.socket('/api/ws', { key: 'lsk_other' }).opened, true, 'another key is not concerned');
  sockets[0]?.ws.close();
  await eventually(async () => (await http.socket('/api/ws').opened) === true);
});

t.test('A32: many upgrades at one moment do not pass the limit together', async (t) => {
  const http = await startTestHttp(t);
  const sockets = Array.from({ length: 3 * MAX_SOCKETS_PER_KEY }, () => http.socket('/api/ws'));
  const opened = await Promise.all(sockets.map((socket) => socket.opened));
  const isOver = (answer: (typeof opened)[number]) => answer !== true && answer.status === 429;
  t.ok(opened.every((answer) => answer === true || isOver(answer)));
  const stillOpen = () => sockets.filter(({ ws }) => ws.readyState === WebSocket.OPEN).length;
  t.equal(await eventually(stillOpen, { until: (n) => n <= MAX_SOCKETS_PER_KEY }), MAX_SOCKETS_PER_KEY);
});

t.test('A32: a flood of pings or messages ends with 1008', async (t) => {
  const http = await startTestHttp(t);
  const pinging = http.socket('/api/ws');
  await pinging.opened;
  for (let i = 0; i <= MAX_FRAMES; i++) pinging.ws.ping();
  t.match(await pinging.closed, { code: 1008 });
  const talking = http.socket('/api/ws');
  await talking.opened;
  for (let i = 0; i <= MAX_FRAMES; i++) talking.ws.send('{}');
  t.match(await talking.closed, { code: 1008 });
});

t.test('A32: who is shut out for a flood is not listened to any more', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const find = http.app.services.require.bind(http.app.services);
  let asked = 0;
  http.app.services.require = (...given) => (asked++, find(...given));
  const socket = http.socket('/api/ws');
  await socket.opened;
  for (let i = 0; i < 10 * MAX_FRAMES; i++) socket.say({ type: 'subscribe', service_ids: ['svc_a'] });
  t.match(await socket.closed, { code: 1008 });
  t.equal(asked, MAX_FRAMES);
});

t.test('A31: a frame of 2 MiB ends with 1009', async (t) => {
  const http = await startTestHttp(t);
  const socket = http.socket('/api/ws');
  await socket.opened;
  socket.ws.send('x'.repeat(2 * 1024 * 1024));
  t.match(await socket.closed, { code: 1009 });
  const smaller = http.socket('/api/ws');
  await smaller.opened;
  smaller.ws.send('x'.repeat(20 * 1024));
  t.match(await smaller.closed, { code: 1009 }, 'what a client may say is shorter still');
});

const frame = (first: number, payload: Buffer, isMasked = true) => {
  const mask = Buffer.from([1, 2, 3, 4]);
  const head = Buffer.from([first, (isMasked ? 0x80 : 0) | payload.length]);
  if (!isMasked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] as number))]);
};

t.test('A31: invalid UTF-8 ends with 1007', async (t) => {
  t.equal(await closeCodeAfter(await startTestHttp(t), frame(0x81, Buffer.from([0xff, 0xfe]))), 1007);
});

t.test('A31: an unmasked frame ends with 1002', async (t) => {
  t.equal(await closeCodeAfter(await startTestHttp(t), frame(0x81, Buffer.from('{}'), false)), 1002);
});

t.test('A31: 20 000 empty fragments end with 1008', async (t) => {
  const empty = frame(0x00, Buffer.alloc(0));
  const fragments = Buffer.concat([frame(0x01, Buffer.alloc(0)), ...Array.from({ length: 20_000 }, () => empty)]);
  t.equal(await closeCodeAfter(await startTestHttp(t), fragments), 1008);
});

t.test('a revoked key loses its sockets at once, others keep theirs', async (t) => {
  const http = await startTestHttp(t);
  const caller = http.app.addKey('lsk_gone', ['*']);
  const [gone, kept] = [http.socket('/api/ws', { key: 'lsk_gone' }), http.socket('/api/ws')];
  await Promise.all([gone.opened, kept.opened]);
  await http.app.keys.revoke(caller, caller.keyId);
  t.match(await gone.closed, { code: 4401, reason: 'the API key or session ended' });
  t.equal(kept.ws.readyState, WebSocket.OPEN);
});

t.test('a client that answers no ping is dropped', async (t) => {
  const timers: (() => void)[] = [];
  const clock = {
    elapsed: () => 0,
    now: () => 0,
    after: (_ms: number, run: () => void) => (timers.push(run), () => {}),
  };
  const http = await startTestHttp(t, { deps: { clock } });
  const socket = http.socket('/api/ws');
  await socket.opened;
  const silent = http.socket('/api/ws');
  await silent.opened;
  silent.ws.pause(); // reads nothing, so it sees no ping
  const tick = () => timers.splice(0).forEach((run) => run());
  const answered = once(socket.ws, 'ping');
  tick();
  await answered;
  socket.ws.ping();
  await once(socket.ws, 'pong'); // its own pong went out before
  tick();
  silent.ws.resume();
  t.match(await silent.closed, { code: 1006 });
  t.equal(socket.ws.readyState, WebSocket.OPEN);
});

t.test('stopping closes every socket with 1012 and lets answers under way finish', async (t) => {
  const http = await startTestHttp(t);
  http.app.addService({ id: 'svc_a' });
  const socket = http.socket('/api/ws');
  await socket.opened;
  let release: (() => void) | undefined;
  const { services } = http.app;
  const act = services.act.bind(services);
  services.act = async (...args) => {
    await new Promise<void>((resolve) => void (release = resolve));
    return act(...args);
  };
  const underWay = http.post('/api/services/svc_a/stop');
  await eventually(() => release);
  const stopped = http.stop();
  t.match(await socket.closed, { code: 1012 });
  release?.();
  t.equal((await underWay).status, 200);
  await stopped;
  await t.rejects(fetch(`${http.url}/healthz`));
});

t.test('a client that never answers the close does not hold up the stop', async (t) => {
  const http = await startTestHttp(t);
  const tcp = await upgradedSocket(http);
  tcp.pause();
  await http.stop();
  tcp.destroy();
  t.pass('stopped');
});

t.test('agents are handed to the gateway with their address, and kept out when it is full', async (t) => {
  const http = await startTestHttp(t);
  const agent = http.socket('/agent/v1', { key: null });
  t.equal(await agent.opened, true);
  t.match(http.agents, [{ address: '127.0.0.1' }]);
  http.hasRoom = false;
  t.match(await http.socket('/agent/v1', { key: null }).opened, {
    status: 503,
    body: { error: { code: 'unavailable' } },
  });
  t.equal(http.agents.length, 1);
});

t.test('a socket that was admitted too late is closed with 4429', async (t) => {
  const sockets = new ClientSockets({ elapsed: () => 0, now: () => 0, after: () => () => {} }, () => true);
  const caller = new FakeApp().addKey('k', ['*']);
  const closed: number[] = [];
  const fake = () =>
    Object.assign(new EventEmitter(), { close: (code: number) => void closed.push(code) }) as unknown as WebSocket;
  for (let i = 0; i < MAX_SOCKETS_PER_KEY; i++) t.ok(sockets.adopt(fake(), caller));
  t.notOk(sockets.adopt(fake(), caller));
  t.strictSame(closed, [4429]);
});

t.test('A32: a flood that goes on while the socket closes costs nothing more', async (t) => {
  const clock = new ManualClock();
  const sockets = new ClientSockets(clock, () => true);
  const closed: number[] = [];
  const socket = Object.assign(new EventEmitter(), { close: (code: number) => void closed.push(code) });
  sockets.adopt(socket as unknown as WebSocket, new FakeApp().addKey('lsk_one', ['*']));
  for (let i = 0; i < 100 * MAX_FRAMES; i++) socket.emit('message', Buffer.from('{}'));
  t.strictSame(closed, [1008]);
  t.equal(clock.pending, 2, 'the next ping, and the end of patience');
});

/** A connection that has done the upgrade by hand, so that it may send what no library would. */
async function upgradedSocket(http: TestHttp): Promise<Socket> {
  const tcp = connect(http.port, '127.0.0.1');
  tcp.on('error', () => {});
  tcp.write(
    'GET /api/ws?api_key=lsk_admin HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(tcp, 'data');
  return tcp;
}

/** The code in the close frame that follows `bytes`. */
async function closeCodeAfter(http: TestHttp, bytes: Buffer): Promise<number> {
  const tcp = await upgradedSocket(http);
  tcp.write(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of tcp) {
    chunks.push(chunk as Buffer);
    const received = Buffer.concat(chunks);
    if (received[0] === 0x88 && received.length >= 4) break;
  }
  tcp.destroy();
  return Buffer.concat(chunks).readUInt16BE(2);
}
