// Log sockets as a client meets them, and recent lines as one answer.
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { recentLogs } from '../../control/app/logs.ts';
import { LogHub } from '../../control/realtime/log-hub.ts';
import { type LogSocketQuery, serveLogSocket } from '../../control/realtime/log-socket.ts';
import { silentLogger } from '#shared/log.ts';
import { systemClock } from '#shared/time.ts';
import { eventually } from '../support/eventually.ts';
import { entry, MemoryLogHost, toFrame } from '../support/log-lines.ts';

async function serve(t: Test, query: Partial<LogSocketQuery> = {}) {
  const host = new MemoryLogHost();
  const hub = new LogHub({
    openLogs: (_serviceId, params) => host.openLogs(params),
    onHostUp: (_serviceId, up) => host.onHostUp(up),
    clock: systemClock,
    log: silentLogger(),
  });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (ws, request) =>
    serveLogSocket(hub, ws, request.socket, { serviceId: 'svc_1', tail: 0, since: null, isBatch: false, ...query }),
  );
  await once(server, 'listening');
  t.teardown(() => {
    hub.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { host, connect: () => connect(t, port) };
}

function connect(t: Test, port: number) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`);
  t.teardown(() => ws.terminate());
  const messages: unknown[] = [];
  ws.on('message', (data: Buffer, isBinary) => messages.push(isBinary ? 'binary' : JSON.parse(data.toString('utf8'))));
  return { ws, messages, closed: once(ws, 'close') as Promise<[number, Buffer]> };
}

const lines = (count: number) => Array.from({ length: count }, (_, n) => entry(n));

t.test('each message is one entry', async (t) => {
  const { host, connect } = await serve(t, { tail: null });
  host.written.push(...lines(300));
  const { messages } = connect();
  await eventually(() => messages.length === 300 && host.followers === 1);
  host.write(entry(300), entry(301, { stream: 'stderr' }));
  await eventually(() => messages.length === 302);
  t.same(messages, [...lines(301), entry(301, { stream: 'stderr' })]);
});

t.test('with batch, each message is an array of entries', async (t) => {
  const { host, connect } = await serve(t, { tail: null, isBatch: true });
  host.written.push(...lines(300));
  const { messages } = connect();
  await eventually(() => messages.flat().length === 300 && host.followers === 1);
  host.write(entry(300));
  await eventually(() => messages.flat().length === 301);
  t.ok(messages.length < 10);
  t.ok(messages.every((message) => Array.isArray(message)));
  t.same(messages.flat(), lines(301));
});

t.test('A62: hostile text arrives as the text it is', async (t) => {
  const message = '\0 \u001b]8;;x\u0007 \r\n{"level":"fatal"} "," } \n <script> \ufffd';
  for (const isBatch of [false, true]) {
    const { host, connect } = await serve(t, { tail: null, isBatch });
    host.written.push(entry(1, { message }), entry(2, { message: '","container":"other"}' }));
    const { messages } = connect();
    await eventually(() => messages.flat().length === 2);
    t.same(messages.flat(), host.written);
  }
});

t.test('a client that stops reading is counted exactly and holds nobody up', async (t) => {
  const { host, connect } = await serve(t, { isBatch: true });
  const [slow, fast] = [connect(), connect()];
  await Promise.all([once(slow.ws, 'open'), once(fast.ws, 'open')]);
  await eventually(() => host.followers === 1);
  host.write(entry(0));
  await eventually(() => slow.messages.length === 1 && fast.messages.length === 1);
  slow.ws.pause();
  const message = 'm'.repeat(10_000);
  const count = (messages: unknown[]) => messages.flat().filter((shown) => 'message' in (shown as object)).length;
  let written = 1;
  for (let burst = 0; burst < 10; burst++) {
    for (let n = 0; n < 200; n++) host.write(entry(written++, { message }));
    await eventually(() => count(fast.messages) === written);
  }
  slow.ws.resume();
  const missed = () =>
    slow.messages.flat().reduce((sum: number, shown) => sum + ((shown as { missed?: number }).missed ?? 0), 0);
  await eventually(() => count(slow.messages) + missed() === written);
  t.ok(missed() > 0);
});

t.test('a client that vanishes frees the host', async (t) => {
  const { host, connect } = await serve(t);
  const { ws } = connect();
  await eventually(() => host.followers === 1);
  ws.terminate();
  await eventually(() => host.followers === 0);
  t.pass('the stream of the host is closed');
});

t.test('a host that is away: one error, then a close that invites another try', async (t) => {
  const { host, connect } = await serve(t);
  host.isUp = false;
  const { messages, closed } = connect();
  const [code, reason] = await closed;
  t.match(messages, [{ type: 'error', error: { code: 'host_offline' } }]);
  t.equal(code, 1013);
  t.equal(reason.toString(), 'host_offline');
});

t.test('recent lines', async (t) => {
  const host = new MemoryLogHost();
  host.written.push(...lines(1000));
  const read = (limits?: { lines: number; bytes: number }) =>
    recentLogs(host.openLogs({ tail: null, since: null, follow: false }), limits);

  t.test('come oldest first', async (t) => {
    t.same(await read(), { logs: lines(1000) });
    t.same(await recentLogs(new MemoryLogHost().openLogs({ tail: 5, since: null, follow: false })), { logs: [] });
  });

  t.test('are the newest that fit', async (t) => {
    t.same((await read({ lines: 10, bytes: 1e6 })).logs, lines(1000).slice(-10));
    const bytes = toFrame(lines(1000).slice(-150)).length;
    t.same((await read({ lines: 1e4, bytes })).logs, lines(1000).slice(-150));
    t.same((await read({ lines: 1e4, bytes: bytes - 1 })).logs, lines(1000).slice(-149));
  });

  t.test('that are no JSON are a violation', async (t) => {
    const bad = { opened: Promise.resolve(), cancel: () => undefined, [Symbol.asyncIterator]: () => frames() };
    async function* frames() {
      yield Buffer.from(`${'x'.repeat(100)}\n`);
    }
    await t.rejects(recentLogs(bad), { code: 'protocol_violation' });
  });
});
