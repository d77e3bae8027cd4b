// Whom the agent takes for control by TLS, and how it gets there over a proxy: real sockets, real certificates.
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { createIdentity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { systemClock } from '#shared/time.ts';
import { loadCertificate } from '../../control/tls/certificate.ts';
import { connectToControl, type ConnectOptions, type Destination } from '../../agent/link/connection.ts';
import { NO_PROXIES } from '../../agent/link/proxy.ts';
import { openTransport, type Way } from '../../agent/link/transport.ts';
import { fetchBytes } from '../../agent/upgrade/fetch-file.ts';
import { Authority, type Issued } from '../support/certificates.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { startControlServer, type ControlServer } from '../support/control-server.ts';
import { makeFolder } from '../support/folder.ts';
import { hostReport } from '../support/host-report.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noHandlers } from '../support/peer-pair.ts';

const NEVER = new AbortController().signal;
const authority = new Authority(join(makeFolder(t, 'certificates'), 'ca'));
const stranger = new Authority(join(makeFolder(t, 'certificates'), 'other'));
const OTHER_PIN = `sha256//${Buffer.alloc(32).toString('base64')}`;

const startTls = (t: Test, { certFile, keyFile }: Issued): Promise<ControlServer> =>
  startControlServer(t, { tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') } });

function enter(control: ControlServer, over: Partial<Destination>, more: Partial<ConnectOptions> = {}) {
  const enrol = control.registry.addToken();
  return connectToControl({
    destination: { url: control.url, controlPin: control.identity.pin, enrol, ...over },
    identity: createIdentity(),
    instanceId: 'agent-1',
    connection: 1,
    describe: () => Promise.resolve(hostReport()),
    handlers: noHandlers(),
    clock: systemClock,
    log: silentLogger(),
    signal: NEVER,
    ...more,
  });
}

const leave = async ({ peer }: Awaited<ReturnType<typeof connectToControl>>) => peer.close(CLOSE.goingAway, 'stopped');

t.test('the pinned key is enough, also of a certificate made anew over it', async (t) => {
  const first = stranger.issue(['elsewhere.example.com']);
  const { pin: tlsPin } = loadCertificate(first);
  await leave(await enter(await startTls(t, first), { tlsPin }));
  const renewed = stranger.issue(['again.example.com'], first.keyFile);
  await leave(await enter(await startTls(t, renewed), { tlsPin }));
});

t.test('another key is refused, with what was found, what was expected and a way out; nothing is sent', async (t) => {
  const issued = stranger.issue(['127.0.0.1']);
  const control = await startTls(t, issued);
  const { pin } = loadCertificate(issued);
  await t.rejects(enter(control, { tlsPin: OTHER_PIN }), {
    code: 'tls_untrusted',
    message: `Cannot trust the certificate of "${control.url}"`,
    details: new RegExp(`Its key is ${escape(pin)}, the pin is ${escape(OTHER_PIN)}.*longshore hosts join`),
  });
  t.same(control.remotePorts, [], 'no WebSocket was opened');
});

t.test('without a pin a certificate that no authority vouches for is refused', async (t) => {
  const control = await startTls(t, stranger.issue(['127.0.0.1']));
  await t.rejects(enter(control, {}), { code: 'tls_untrusted', details: /authorities do not vouch.*no pin was given/ });
});

t.test(
  'an authority of this system is enough, for the names in the certificate, also where a pin went out of date',
  async (t) => {
    const authorities = () => [authority.pem];
    const open = async ({ url }: ControlServer, more: Partial<Way> = {}) =>
      (await openTransport({ url, authorities, ...more }, systemClock, NEVER)).destroy();
    await open(await startTls(t, authority.issue(['127.0.0.1'])));
    await open(await startTls(t, authority.issue(['127.0.0.1'])), { tlsPin: OTHER_PIN });
    await t.rejects(open(await startTls(t, authority.issue(['panel.example.com']))), {
      code: 'tls_untrusted',
      details: /ERR_TLS_CERT_ALTNAME_INVALID/,
    });
    await t.rejects(open(await startTls(t, stranger.issue(['127.0.0.1']))), { code: 'tls_untrusted' });
  },
);

t.test('who speaks no TLS there, or nothing at all, is not reached', async (t) => {
  const plain = await startControlServer(t);
  const url = plain.url.replace('http:', 'https:');
  await t.rejects(enter(plain, { url }), { code: 'unavailable' });
  const silent = createTcpServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const clock = new ManualClock();
  const connected = once(silent, 'connection');
  const opening = openTransport({ url: `https://127.0.0.1:${(silent.address() as AddressInfo).port}` }, clock, NEVER);
  const refused = t.rejects(opening, { code: 'timed_out' });
  const [socket] = (await connected) as [{ destroy(): void }];
  clock.advance(10_000);
  await refused;
  socket.destroy();
});

t.test('a proxy leads to control, with TLS and without', async (t) => {
  const proxy = await startConnectProxy(t, 'user:p%40ss');
  const issued = stranger.issue(['panel.example.com']);
  const proxies = { ...NO_PROXIES, https: proxy.url, http: proxy.url };
  for (const control of [await startTls(t, issued), await startControlServer(t)]) {
    const { protocol, port } = new URL(control.url);
    const url = `${protocol}//panel.example.com:${port}`;
    await leave(await enter(control, { url, tlsPin: loadCertificate(issued).pin }, { proxies }));
    t.equal(proxy.asked.at(-1), `panel.example.com:${port}`);
  }
});

t.test('a proxy that refuses is named, and its password is not', async (t) => {
  const proxy = await startConnectProxy(t, 'user:right');
  const wrong = new URL(proxy.url.href.replace('right', 'canary-wrong'));
  const control = await startControlServer(t);
  const url = `http://panel.example.com:${control.port}`;
  const error = await enter(control, { url }, { proxies: { ...NO_PROXIES, http: wrong } }).catch((e: unknown) => e);
  t.match(error, { code: 'unavailable', details: new RegExp(`The proxy http://127.0.0.1:${wrong.port} answered 407`) });
  t.notMatch(JSON.stringify(error), 'canary');
});

t.test('downloads go the same way, with the same trust', async (t) => {
  const issued = stranger.issue(['127.0.0.1']);
  const { url } = await startTls(t, issued);
  const ask = (tlsPin: string) => fetchBytes({ way: { url, tlsPin }, clock: systemClock, signal: NEVER }, 'x', 100);
  // It is heard, though this server takes WebSockets only.
  await t.rejects(ask(loadCertificate(issued).pin), { code: 'unavailable', message: /answered 426/ });
  await t.rejects(ask(OTHER_PIN), { code: 'tls_untrusted' });
});

const escape = (text: string) => text.replaceAll(/[/+]/g, '\\$&');
