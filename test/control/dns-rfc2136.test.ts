// Records at a real BIND.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock, type Clock } from '#shared/time.ts';
import type { DnsProvider, Rfc2136Settings } from '../../control/app/dns/provider.ts';
import { openRfc2136 } from '../../control/dns/rfc2136.ts';
import { KEY, startBind, ZONE, type Bind } from '../support/bind.ts';

const LIMIT_MS = 20_000;
const signal = () => AbortSignal.timeout(LIMIT_MS);
const name = (label: string): string => `${label}.${ZONE}`;

type Given = Partial<Omit<Rfc2136Settings, 'provider'>> & {
  secret?: string;
  owner?: string;
  zone?: string;
  clock?: Clock;
};

function providerAt(bind: Pick<Bind, 'server'>, given: Given = {}): DnsProvider {
  const { secret = KEY.secret, owner = 'us', zone = ZONE, clock = systemClock, ...rest } = given;
  const settings: Rfc2136Settings = { provider: 'rfc2136', server: bind.server, ...KEY, ...rest };
  return openRfc2136({ zone, settings, secret, owner, ttlS: 60 }, clock);
}

t.test('names at a name server', async (t) => {
  const bind = await startBind(t, 'taken A 192.0.2.99\nmail MX 10 ns');
  const dns = providerAt(bind);

  await t.test('a name gets its addresses, and a mark that says whose it is', async (t) => {
    await dns.put(name('web'), ['192.0.2.1', '2001:db8::1'], signal());
    t.same(await bind.addresses(name('web')), ['192.0.2.1', '2001:db8::1']);
    t.same(await bind.texts(name('web')), ['heritage=longshore,owner=us']);
  });

  await t.test('once more it is the same', async (t) => {
    await dns.put(name('web'), ['192.0.2.1', '2001:db8::1'], signal());
    t.same(await bind.addresses(name('web')), ['192.0.2.1', '2001:db8::1']);
  });

  await t.test('other addresses take the place of the old ones', async (t) => {
    await dns.put(name('web'), ['192.0.2.2'], signal());
    t.same(await bind.addresses(name('web')), ['192.0.2.2']);
  });

  await t.test("somebody else's names are left alone", async (t) => {
    for (const label of ['taken', 'mail']) {
      await t.rejects(dns.put(name(label), ['192.0.2.1'], signal()), { code: 'dns_conflict' });
      await dns.remove(name(label), signal());
    }
    t.same(await bind.addresses(name('taken')), ['192.0.2.99']);
  });

  await t.test('so are those of another control plane', async (t) => {
    const other = providerAt(bind, { owner: 'them' });
    await t.rejects(other.put(name('web'), ['192.0.2.3'], signal()), { code: 'dns_conflict' });
    await other.remove(name('web'), signal());
    t.same(await bind.addresses(name('web')), ['192.0.2.2']);
  });

  await t.test('a name that is taken away is gone whole, twice as well', async (t) => {
    await dns.remove(name('web'), signal());
    await dns.remove(name('web'), signal());
    t.same([await bind.addresses(name('web')), await bind.texts(name('web'))], [[], []]);
  });

  await t.test('what is wrong is said', async (t) => {
    await dns.check(signal());
    const faults: [given: Given, message: RegExp][] = [
      [{ secret: Buffer.alloc(32).toString('base64') }, /the signature does not verify/],
      [{ keyName: 'nobody' }, /does not know this key/],
      [{ zone: 'elsewhere.example.com' }, /does not serve this zone/],
      [{ clock: { ...systemClock, now: () => Date.now() - 3600_000 } }, /clocks/],
    ];
    for (const [given, message] of faults) {
      await t.rejects(providerAt(bind, given).check(signal()), { code: 'dns_refused', message });
    }
    const stranger = providerAt(bind, { keyName: 'stranger' });
    await t.rejects(stranger.put(name('x'), ['192.0.2.1'], signal()), { message: /may not change this name/ });
    await t.rejects(dns.put('web.example.org', ['192.0.2.1'], signal()), { message: /not in the zone/ });
  });

  await t.test('a key with longer signatures does as well', async (t) => {
    await providerAt(bind, { keyName: 'long', algorithm: 'hmac-sha512' }).put(name('long'), ['192.0.2.1'], signal());
    t.same(await bind.addresses(name('long')), ['192.0.2.1']);
  });
});

t.test('a far side that is no name server', async (t) => {
  const faults: [what: string, answer: Buffer | null, code: string][] = [
    ['closes at once', Buffer.alloc(0), 'egress_failed'],
    ['says nonsense', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'egress_failed'],
    ['ends in the middle of a header', Buffer.from([0, 3, 1, 2, 3]), 'egress_failed'],
    ['answers another question', Buffer.from([0, 12, ...Array<number>(12).fill(0)]), 'dns_refused'],
  ];
  for (const [what, answer, code] of faults) {
    await t.test(what, async (t) => {
      const dns = providerAt(await farSide(t, answer));
      await t.rejects(dns.check(signal()), { code });
    });
  }

  await t.test('says nothing: our deadline ends it', async (t) => {
    const dns = providerAt(await farSide(t, null));
    const limit = new AbortController();
    const asked = dns.check(limit.signal);
    limit.abort(new Error('too long'));
    await t.rejects(asked, { message: 'too long' });
  });

  await t.test('is not there', async (t) => {
    await t.rejects(providerAt({ server: { host: '127.0.0.1', port: 1 } }).check(signal()), { code: 'egress_failed' });
  });
});

async function farSide(t: Test, answer: Buffer | null): Promise<Pick<Bind, 'server'>> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (answer) socket.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } };
}
