// Calls outwards over real sockets: what is checked at connect, and what no reply can do to us.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { Lookup } from '#shared/guarded-lookup.ts';
import { systemClock } from '#shared/time.ts';
import { Egress, type EgressOptions } from '../../control/egress/egress.ts';
import { createDnsLookup } from '../../control/egress/names.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startNameServer } from '../support/name-server.ts';

function openEgress(t: Test, options: Partial<EgressOptions> = {}): Egress {
  const egress = new Egress({ allowsPrivate: false, clock: systemClock, ...options });
  t.teardown(() => egress.close());
  return egress;
}

/** Resolves names by the answers given, in turn; the last one stays. */
function resolver(...answers: string[][]): Lookup & { asked: number } {
  const lookup = Object.assign(
    ((_name, _options, done) => {
      const addresses = answers[Math.min(lookup.asked++, answers.length - 1)] ?? [];
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) as Lookup,
    { asked: 0 },
  );
  return lookup;
}

async function serve(t: Test, listener: RequestListener): Promise<{ port: number; hits: () => number }> {
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, hits: () => hits };
}

const call = (url: string, more: object = {}) => ({
  url,
  method: 'POST' as const,
  headers: {},
  body: '{}',
  timeoutMs: 10_000,
  maxBytes: 64 * 1024,
  ...more,
});

t.test('A59: a name that resolves to a private address is refused at connect', async (t) => {
  const { port, hits } = await serve(t, (_request, response) => response.end());
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254']) {
    const egress = openEgress(t, { lookup: resolver([address]) });
    const url = `http://${address.replaceAll(/[:.]/g, '-')}.nip.io:${port}/`;
    await t.rejects(egress.send(call(url)), { code: 'egress_denied' }, address);
  }
  t.equal(hits(), 0);
});

t.test('A60: a name that changes its mind between check and connect gains nothing', async (t) => {
  const { port, hits } = await serve(t, (_request, response) => response.end());
  const lookup = resolver(['127.0.0.1'], ['169.254.169.254']);
  const egress = openEgress(t, { lookup, allowsPrivate: true });
  const url = egress.checkUrl(`http://rebind.example.com:${port}/`);
  t.equal(lookup.asked, 0, 'the text is checked without a lookup');
  t.match(await egress.send(call(url)), { status: 200 });
  t.equal(lookup.asked, 1, 'what is looked up once is what is connected to');
  await t.rejects(egress.send(call(url)), { code: 'egress_denied' });
  t.equal(hits(), 1);
});

t.test('A60: of several addresses only those that may be called are tried', async (t) => {
  const { port } = await serve(t, (_request, response) => response.end());
  const egress = openEgress(t, { lookup: resolver(['169.254.169.254', '127.0.0.1']), allowsPrivate: true });
  t.match(await egress.send(call(`http://mixed.example.com:${port}/`)), { status: 200 });
});

t.test('A60: a redirect is an answer and is not followed', async (t) => {
  const secret = await serve(t, (_request, response) => response.end('metadata'));
  const { port } = await serve(t, (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${secret.port}/latest/meta-data/` }).end('moved');
  });
  const reply = await openEgress(t, { allowsPrivate: true }).send(call(`http://127.0.0.1:${port}/`));
  t.match({ ...reply, body: reply.body.toString('utf8') }, { status: 302, body: 'moved', isCut: false });
  t.equal(secret.hits(), 0);
});

t.test('A60: of an endless reply 64 KiB are read, and the connection is closed', async (t) => {
  let isClosed = false;
  const { port } = await serve(t, (_request, response) => {
    const pour = () => void (response.destroyed || !response.write(Buffer.alloc(16_384, 'x')) || setImmediate(pour));
    response.on('drain', pour).on('close', () => (isClosed = true));
    pour();
  });
  const reply = await openEgress(t, { allowsPrivate: true }).send(call(`http://127.0.0.1:${port}/`));
  t.same([reply.status, reply.isCut, reply.body.length], [200, true, 64 * 1024]);
  await t.resolves(eventually(() => isClosed));
});

t.test('A60: headers without end are refused', async (t) => {
  const { port } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end();
  });
  await t.rejects(openEgress(t, { allowsPrivate: true }).send(call(`http://127.0.0.1:${port}/`)), {
    code: 'egress_failed',
  });
});

t.test('F44: a reply that does not come or does not end is given up after the time limit', async (t) => {
  const asked = { hang: 0, drip: 0 };
  const { port } = await serve(t, (request, response) => {
    const way = request.url === '/drip' ? 'drip' : 'hang';
    asked[way] += 1;
    if (way === 'drip') response.writeHead(200).write('.');
  });
  for (const way of ['hang', 'drip'] as const) {
    const clock = new ManualClock();
    const sent = openEgress(t, { allowsPrivate: true, clock }).send(call(`http://127.0.0.1:${port}/${way}`));
    const isRefused = t.rejects(sent, { code: 'timed_out' }, way);
    await eventually(() => asked[way] === 1);
    clock.advance(10_000);
    await isRefused;
  }
});

t.test('F44: a name server that does not answer is given up after the connect limit', async (t) => {
  const egress = openEgress(t, { lookup: () => {}, connectMs: 50 });
  await t.rejects(egress.send(call('http://slow.example.com/')), { code: 'timed_out' });
});

t.test('names of the internet are asked of DNS', async (t) => {
  const { port } = await serve(t, (_request, response) => response.end());
  const lookup = createDnsLookup([await startNameServer(t, { 'hooks.example.com': ['10.0.0.1', '127.0.0.1'] })]);
  const [strict, open] = [openEgress(t, { lookup }), openEgress(t, { lookup, allowsPrivate: true })];
  await t.rejects(strict.send(call(`http://hooks.example.com:${port}/`)), { code: 'egress_denied' });
  await t.rejects(open.send(call('http://nobody.example.com/')), { message: 'There is no such host' });
  const all = await new Promise((resolve) =>
    lookup('hooks.example.com', { all: true }, (_error, addresses) => resolve(addresses)),
  );
  t.strictSame(all, [
    { address: '10.0.0.1', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ]);
});

t.test('F44: names whose servers are silent take none of the threads that all share', async (t) => {
  const server = await startNameServer(t, { 'hooks.example.com': ['127.0.0.1'] });
  const lookup = createDnsLookup([server]);
  const find = (name: string) =>
    new Promise((resolve) => lookup(name, { all: true }, (error, found) => resolve(error?.code ?? found[0]?.address)));
  const silent = Array.from({ length: 16 }, (_, i) => find(`silent.${i}.example.com`));
  const isFirst = await Promise.race([find('hooks.example.com'), ...silent]);
  t.equal(isFirst, '127.0.0.1');
  t.strictSame([...new Set(await Promise.all(silent))], ['ETIMEOUT']);
});

t.test('nobody who listens is an ordinary failure', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await t.rejects(openEgress(t, { allowsPrivate: true }).send(call(`http://127.0.0.1:${port}/`)), {
    code: 'egress_failed',
    message: 'The connection was refused',
  });
});

t.test('a text is fetched whole or not at all', async (t) => {
  const { port } = await serve(t, (request, response) => {
    if (request.url === '/missing') response.writeHead(404);
    response.end('häuser');
  });
  const { fetchText } = openEgress(t, { allowsPrivate: true });
  t.equal(await fetchText(`http://127.0.0.1:${port}/list.json`), 'häuser');
  await t.rejects(fetchText(`http://127.0.0.1:${port}/list.json`, { maxBytes: 3 }), { code: 'egress_failed' });
  await t.rejects(fetchText(`http://127.0.0.1:${port}/missing`), { code: 'egress_failed', message: /404/ });
  await t.rejects(fetchText('http://169.254.169.254/latest'), { code: 'egress_denied', fields: { url: /public/ } });
});
