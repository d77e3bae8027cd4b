// The agent's side of one connection against the real gateway, and against servers that are not what they say.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocketServer, type WebSocket } from 'ws';
import { silentLogger } from '#shared/log.ts';
import { createChallenge } from '#shared/protocol/handshake.ts';
import { createIdentity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { systemClock } from '#shared/time.ts';
import { agentUrlOf, connectToControl, type ConnectOptions } from '../../agent/link/connection.ts';
import { startControlServer } from '../support/control-server.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import { freePort } from '../support/free-port.ts';
import { hostReport } from '../support/host-report.ts';
import { noHandlers } from '../support/peer-pair.ts';

const options = (url: string, controlPin: string, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
  destination: { url, controlPin },
  identity: createIdentity(),
  instanceId: 'agent-1',
  connection: 1,
  describe: () => Promise.resolve(hostReport()),
  handlers: noHandlers(),
  clock: systemClock,
  log: silentLogger(),
  signal: new AbortController().signal,
  ...more,
});

/** A WebSocket server that plays control badly. */
async function startFake(t: Test, onConnection: (ws: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', onConnection);
  await once(server, 'listening');
  t.teardown(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startHttp(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('the address of the endpoint follows from the URL of the panel', (t) => {
  t.equal(agentUrlOf('https://panel.example.com'), 'wss://panel.example.com/agent/v1');
  t.equal(agentUrlOf('https://panel.example.com/base/'), 'wss://panel.example.com/base/agent/v1');
  t.equal(agentUrlOf('http://127.0.0.1:8080'), 'ws://127.0.0.1:8080/agent/v1');
  t.end();
});

t.test('a token, a key and the right pin make a link that works both ways', async (t) => {
  const control = await startControlServer(t);
  const enrol = control.registry.addToken();
  const { peer, welcome } = await connectToControl(
    options(control.url, control.identity.pin, {
      destination: { url: control.url, controlPin: control.identity.pin, enrol },
      handlers: { ...noHandlers(), requests: { echo: (params) => Promise.resolve(params) } },
    }),
  );
  t.match(welcome, { hostId: 'host_1', epoch: 1, nextEventSeq: 1 });
  t.strictSame(await peer.request('echo', { data: 'up' }), { data: 'up' });
  t.strictSame(await control.sessions.require('host_1').peer.request('echo', { data: 'down' }), { data: 'down' });
  await peer.close(CLOSE.goingAway, 'stopped');
  await eventually(() => control.sessions.count === 0);
});

t.test('requests that control sends right behind the welcome are not lost', async (t) => {
  const control = await startControlServer(t);
  const answers: Promise<unknown>[] = [];
  control.sessions.onConnect(({ peer }) => {
    for (let i = 0; i < 50; i++) answers.push(peer.request('echo', { data: String(i) }));
  });
  const { peer } = await connectToControl(
    options(control.url, control.identity.pin, {
      destination: { url: control.url, controlPin: control.identity.pin, enrol: control.registry.addToken() },
      handlers: { ...noHandlers(), requests: { echo: (params) => Promise.resolve(params) } },
    }),
  );
  await eventually(() => answers.length === 50);
  t.strictSame((await Promise.all(answers)).length, 50);
  peer.destroy(CLOSE.normal, '');
});

t.test(
  'another key than the pinned one gets nothing of this host: no key, no facts, no proof of the token',
  async (t) => {
    const imposter = createIdentity();
    const heard: string[] = [];
    const url = await startFake(t, (ws) => {
      ws.on('message', (data) => {
        const text = (data as Buffer).toString();
        heard.push(text);
        ws.send(JSON.stringify(createChallenge(imposter, text, 1)));
      });
    });
    let described = 0;
    const describe = () => {
      described += 1;
      return Promise.resolve(hostReport());
    };
    const enrol = { tokenId: 'jtk_1', secret: 'A'.repeat(43) };
    const destination = { url, controlPin: createIdentity().pin, enrol };
    t.equal(await faultCode(connectToControl(options(url, '', { destination, describe }))), 'handshake_failed');
    t.equal(heard.length, 1);
    t.strictSame(Object.keys(JSON.parse(heard[0] as string) as object), ['type', 'versions', 'nonce']);
    t.equal(described, 0);
  },
);

t.test('a recorded challenge of the real control plane is no proof', async (t) => {
  const control = createIdentity();
  const recorded = JSON.stringify(createChallenge(control, 'the hello of yesterday', 1));
  const url = await startFake(t, (ws) => ws.on('message', () => ws.send(recorded)));
  t.equal(await faultCode(connectToControl(options(url, control.pin))), 'handshake_failed');
});

t.test('a version that was not offered is refused', async (t) => {
  const control = createIdentity();
  const url = await startFake(t, (ws) =>
    ws.on('message', (data) => ws.send(JSON.stringify(createChallenge(control, (data as Buffer).toString(), 0)))),
  );
  t.equal(await faultCode(connectToControl(options(url, control.pin))), 'handshake_failed');
});

t.test('what control refuses with is what the caller gets, time to come back included', async (t) => {
  const { url, identity, registry } = await startControlServer(t, { versions: [9] });
  const fault = connectToControl(options(url, identity.pin));
  await t.rejects(fault, { code: 'unsupported', details: 'Upgrade the agent on this host' });

  const full = await startControlServer(t, { limits: { unfinishedPerAddress: 0 } });
  await t.rejects(connectToControl(options(full.url, full.identity.pin)), { code: 'unavailable', retryAfter: 1 });

  const used = await startControlServer(t);
  const destination = { url: used.url, controlPin: used.identity.pin, enrol: registry.addToken() };
  t.equal(await faultCode(connectToControl(options('', '', { destination }))), 'token_invalid');
});

t.test('nobody there, a plain HTTP answer and one with Retry-After are `unavailable`', async (t) => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  t.equal(await faultCode(connectToControl(options(nowhere, 'pin'))), 'unavailable');

  const notFound = await startHttp(t, (_, response) => response.writeHead(404).end());
  await t.rejects(connectToControl(options(notFound, 'pin')), { code: 'unavailable', details: /404/ });

  const busy = await startHttp(t, (_, response) => response.writeHead(503, { 'Retry-After': '7' }).end());
  await t.rejects(connectToControl(options(busy, 'pin')), { code: 'unavailable', retryAfter: 7 });
});

t.test('junk instead of a challenge is a protocol violation', async (t) => {
  for (const junk of ['hello', '{}', Buffer.from('x')]) {
    const url = await startFake(t, (ws) => ws.on('message', () => ws.send(junk)));
    t.equal(await faultCode(connectToControl(options(url, 'pin'))), 'protocol_violation');
  }
});

t.test('a server that closes mid-handshake without a word is told by its close code', async (t) => {
  for (const [code, expected] of [
    [CLOSE.revoked, 'handshake_failed'], // F48: who has not proven to be control shuts nobody out
    [CLOSE.overloaded, 'unavailable'],
    [CLOSE.restart, 'link_closed'],
  ] as const) {
    const url = await startFake(t, (ws) => ws.on('message', () => ws.close(code)));
    t.equal(await faultCode(connectToControl(options(url, 'pin'))), expected);
  }
});

t.test('an attempt can be given up at any moment', async (t) => {
  const silentHttp = await startHttp(t, () => {});
  const silent = createServer().on('upgrade', () => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => (silent.closeAllConnections(), silent.close()));
  const connected = Promise.withResolvers<void>();
  const silentWs = await startFake(t, (ws) => ws.on('message', () => connected.resolve()));

  const abort = new AbortController();
  const faults = [silentWs, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, silentHttp].map((url) =>
    connectToControl(options(url, 'pin', { signal: abort.signal })).then(
      () => 'connected',
      (error: Error) => error.name,
    ),
  );
  await connected.promise;
  abort.abort();
  t.strictSame(await Promise.all(faults), ['AbortError', 'AbortError', 'AbortError']);
  t.equal(
    await connectToControl(options(silentWs, 'pin', { signal: abort.signal })).catch((error: Error) => error.name),
    'AbortError',
  );
});
