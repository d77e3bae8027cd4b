// Names of services: how they are chosen, checked and told to hosts.
import t from 'tap';
import { readCertificate } from '../../control/app/domains/certificate.ts';
import { planDefaultNames, type NameFacts } from '../../control/app/domains/default-names.ts';
import { judgeDns } from '../../control/app/domains/dns-check.ts';
import { toDomain, pageDomains } from '../../control/app/domains/domain-view.ts';
import { digestOf, toParts, toWantedEdge } from '../../control/app/domains/edge-state.ts';
import type { HostEdge } from '../../control/app/domains/edges.ts';
import { isBelow, readHostname } from '../../control/app/domains/hostname.ts';
import { readDirectory, toEdgeSettings } from '../../control/app/domains/settings.ts';
import type { RoutedDomain } from '../../control/store/domains.ts';
import { makeCertificate } from '../support/certificate.ts';

const BASE = 'apps.example.com';

const edgeOf = (hostId: string, given: Partial<HostEdge> = {}): HostEdge => ({
  hostId,
  hostName: hostId,
  edge: 'caddy',
  baseDomain: BASE,
  addresses: ['192.0.2.1'],
  agentVersion: '0.1.0',
  sent: null,
  ...given,
});

const serviceOn = (hostId: string, name: string, id = `svc_of_${hostId}_${name}`) => ({
  id,
  name,
  hostId,
  hostname: null,
});

const defaultOf = (serviceId: string, hostname: string) => ({
  id: `dom of ${hostname}`,
  serviceId,
  hostname,
  kind: 'default' as const,
});

const names = (facts: Partial<NameFacts>) =>
  planDefaultNames({ services: [], edges: [edgeOf('a')], had: [], ...facts });

t.test('a service has its name below the base domain', (t) => {
  t.same(names({ services: [serviceOn('a', 'web', 'svc_1')] }), {
    add: [{ serviceId: 'svc_1', hostname: `web.${BASE}` }],
    remove: [],
  });
  t.end();
});

t.test('one that is chosen is kept, whatever would be chosen today', (t) => {
  const services = [serviceOn('a', 'web', 'svc_1')];
  t.same(names({ services, had: [defaultOf('svc_1', `web-b.${BASE}`)] }), { add: [], remove: [] });
  t.end();
});

t.test('a base domain above the one before is another one', (t) => {
  const had = [defaultOf('svc_1', `web.${BASE}`)];
  t.same(
    names({ services: [serviceOn('a', 'web', 'svc_1')], edges: [edgeOf('a', { baseDomain: 'example.com' })], had }),
    {
      add: [{ serviceId: 'svc_1', hostname: 'web.example.com' }],
      remove: [had[0]?.id],
    },
  );
  t.end();
});

t.test('the same name on several hosts: who was first has the short one', (t) => {
  const services = [serviceOn('a', 'web', 'svc_00000001'), serviceOn('b', 'web', 'svc_00000002')];
  const edges = [edgeOf('a'), edgeOf('b', { hostName: 'VPS 2.example' })];
  t.same(
    names({ services, edges }).add.map(({ hostname }) => hostname),
    [`web.${BASE}`, `web-vps-2-example.${BASE}`],
  );
  const had = [defaultOf('svc_9', `web.${BASE}`), { ...defaultOf('svc_9', `web-a.${BASE}`), kind: 'custom' as const }];
  t.same(names({ services: services.slice(0, 1), had }).add, [
    { serviceId: 'svc_00000001', hostname: `web-00000001.${BASE}` },
  ]);
  t.end();
});

t.test('another base domain is another name; without one, or without an edge, there is none', (t) => {
  const services = [serviceOn('a', 'web', 'svc_1')];
  const had = [defaultOf('svc_1', `web.${BASE}`)];
  const moved = names({ services, had, edges: [edgeOf('a', { baseDomain: 'example.org' })] });
  t.same(moved, { add: [{ serviceId: 'svc_1', hostname: 'web.example.org' }], remove: [`dom of web.${BASE}`] });
  for (const given of [{ baseDomain: null }, { edge: 'none' as const }]) {
    t.same(names({ services, had, edges: [edgeOf('a', given)] }), { add: [], remove: [`dom of web.${BASE}`] });
  }
  t.end();
});

t.test('names as users write them', (t) => {
  const read: [text: string, name: string | undefined][] = [
    ['Shop.Example.com', 'shop.example.com'],
    ['shop.example.com.', 'shop.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['localhost', undefined],
    ['192.0.2.1', undefined],
    ['2130706433', undefined],
    ['0x7f.1', undefined],
    ['[::1]', undefined],
    ['*.example.com', undefined],
    ['a..example.com', undefined],
    ['-a.example.com', undefined],
    ['a b.example.com', undefined],
    ['a.example.com/x', undefined],
    ['a.example.com:443', undefined],
    ['https://a.example.com', undefined],
    [`${'a'.repeat(64)}.example.com`, undefined],
    [`${'a.'.repeat(130)}com`, undefined],
    ['', undefined],
  ];
  for (const [text, name] of read) t.equal(readHostname(text), name, text);
  t.ok(isBelow('a.example.com', 'example.com') && isBelow('example.com', 'example.com'));
  t.notOk(isBelow('aexample.com', 'example.com'));
  t.end();
});

t.test('DNS leads here when every address is the host its own, in any spelling', (t) => {
  const state = (found: string[]) => judgeDns(found, ['192.0.2.1', '2001:db8::1'], 1).state;
  t.equal(state(['192.0.2.1']), 'here');
  t.equal(state(['2001:db8:0:0::1', '192.0.2.1']), 'here');
  t.equal(state(['192.0.2.1', '192.0.2.2']), 'elsewhere');
  t.equal(state([]), 'missing');
  t.end();
});

const domain = (hostname: string, given: Partial<RoutedDomain> = {}): RoutedDomain => ({
  id: `dom_${hostname}`,
  serviceId: 'svc_1',
  hostId: 'a',
  hostname,
  kind: 'custom',
  target: null,
  port: null,
  redirectTo: null,
  certificate: null,
  dns: null,
  createdAt: 1,
  updatedAt: 1,
  ...given,
});

t.test('a host is told the whole of its edge; the same wish has the same digest', (t) => {
  const issuer = { kind: 'internal' as const };
  const domains = [
    domain('b.example.com', { target: 'web', port: 8080 }),
    domain('a.example.com', { redirectTo: 'b.example.com' }),
  ];
  const wanted = toWantedEdge({ edge: edgeOf('a'), issuer, domains, certificates: [] });
  t.same(wanted, {
    edge: 'caddy',
    issuer,
    routes: [
      {
        hostname: 'a.example.com',
        serviceId: 'svc_1',
        service: null,
        port: null,
        redirectTo: 'b.example.com',
        certificateId: null,
      },
      {
        hostname: 'b.example.com',
        serviceId: 'svc_1',
        service: 'web',
        port: 8080,
        redirectTo: null,
        certificateId: null,
      },
    ],
    certificates: [],
  });
  const again = toWantedEdge({ edge: edgeOf('a'), issuer, domains: domains.toReversed(), certificates: [] });
  t.equal(digestOf(again, '1'), digestOf(wanted, '1'));
  t.not(digestOf(again, '2'), digestOf(wanted, '1'));
  t.same(toWantedEdge({ edge: edgeOf('a', { edge: 'none' }), issuer, domains, certificates: [] }).routes, []);
  t.end();
});

t.test('a name is shown with what its host says of it', (t) => {
  const said = { state: 'failed' as const, issuer: null, notAfter: null, error: 'no answer' };
  const status = {
    revision: 3,
    fault: null,
    at: 1,
    names: [{ hostname: 'a.example.com', fault: null, certificate: said }],
  };
  const shown = (given: Partial<RoutedDomain>) =>
    toDomain({ domain: domain('a.example.com', given), edge: edgeOf('a'), status, issuer: 'acme', isCustomers: false });
  t.match(shown({}), { expectedAddresses: ['192.0.2.1'], certificate: { ...said, source: 'acme' }, fault: null });
  const own = { issuer: 'CN=Ours', notAfter: 99 };
  t.match(shown({ certificate: own }).certificate, { source: 'uploaded', state: 'issued', error: null, ...own });
  const flaw = { ...said, isUploaded: true };
  const unused = { ...status, names: [{ hostname: 'a.example.com', fault: null, certificate: flaw }] };
  const facts = { edge: edgeOf('a'), status: unused, issuer: 'acme' as const, isCustomers: false };
  t.match(
    toDomain({ ...facts, domain: domain('a.example.com', { certificate: own }) }).certificate,
    { source: 'uploaded', state: 'failed', error: 'no answer', ...own },
    'the host cannot use it',
  );
  const down = { ...status, fault: { code: 'port_taken', message: 'Port 443 is taken' }, names: [] };
  t.match(
    toDomain({ domain: domain('a.example.com'), edge: edgeOf('a'), status: down, issuer: 'acme', isCustomers: false })
      .fault,
    {
      code: 'port_taken',
    },
  );
  t.end();
});

t.test('a customer sees nothing of the networks that only our DNS knows', (t) => {
  const dns = { state: 'elsewhere' as const, addresses: ['10.0.0.7', '1.1.1.1', '192.0.2.1'], at: 1 };
  const facts = { domain: domain('a.example.com', { dns }), edge: edgeOf('a'), status: null, issuer: 'acme' as const };
  t.same(toDomain({ ...facts, isCustomers: true }).dns?.addresses, ['1.1.1.1', '192.0.2.1']);
  t.same(toDomain({ ...facts, isCustomers: false }).dns, dns);
  t.end();
});

t.test('what one frame does not hold comes in parts', (t) => {
  const issuer = { kind: 'internal' as const };
  const domains = Array.from({ length: 2_000 }, (_, i) => domain(`${i}.${'long-'.repeat(12)}.example.com`));
  const certificates = Array.from({ length: 60 }, (_, i) => {
    return { id: `dom_${i}`, certificate: 'c'.repeat(16_384), key: 'k'.repeat(8_192) };
  });
  const whole = { ...toWantedEdge({ edge: edgeOf('a'), issuer, domains, certificates }), revision: 7 };
  const parts = toParts(whole);
  for (const part of parts) t.ok(JSON.stringify(part).length < 256 * 1024, 'fits into a batch of commands');
  t.same(
    parts.map(({ part }) => part),
    parts.map((_, index) => ({ index, of: parts.length })),
  );
  t.same(
    parts.flatMap(({ state }) => state.routes),
    whole.routes,
  );
  t.same(
    parts.flatMap(({ state }) => state.certificates),
    certificates,
  );
  t.ok(parts.every(({ state }) => state.revision === 7));
  const small = { ...whole, routes: whole.routes.slice(0, 3), certificates: [] };
  t.same(toParts(small), [{ state: small }]);
  t.end();
});

t.test('pages of names', (t) => {
  const all = ['b', 'a', 'c'].map((label, createdAt) =>
    toDomain({
      domain: domain(`${label}.example.com`, { createdAt }),
      edge: undefined,
      status: null,
      issuer: 'acme',
      isCustomers: false,
    }),
  );
  const page = (sort: 'hostname' | 'created_at', order: 'asc' | 'desc') =>
    pageDomains(all, { page: 1, perPage: 2, sort, order }).items.map(({ hostname }) => hostname[0]);
  t.same(
    [page('hostname', 'asc'), page('hostname', 'desc'), page('created_at', 'asc')],
    [
      ['a', 'b'],
      ['c', 'b'],
      ['b', 'a'],
    ],
  );
  t.end();
});

t.test('settings', (t) => {
  t.equal(readDirectory('internal'), 'internal');
  t.equal(readDirectory('https://acme.example.com/directory'), 'https://acme.example.com/directory');
  t.equal(readDirectory('http://acme.example.com/directory'), undefined);
  t.same(toEdgeSettings({}), { baseDomain: null, issuer: { kind: 'acme', email: null, directory: null } });
  t.same(toEdgeSettings({ 'acme-directory': 'internal', 'base-domain': BASE }), {
    baseDomain: BASE,
    issuer: { kind: 'internal' },
  });
  t.end();
});

t.test('an uploaded certificate fits its key, its name and the time', async (t) => {
  const pair = await makeCertificate(t, '*.example.com');
  const other = await makeCertificate(t, 'shop.example.com');
  const now = Date.now() + 60_000;
  t.match(readCertificate(pair, 'shop.example.com', now), { issuer: 'CN=ours' });
  const fault = (given: typeof pair, hostname = 'shop.example.com', at = now) => {
    try {
      readCertificate(given, hostname, at);
      return undefined;
    } catch (error) {
      return (error as { fields: Record<string, string> }).fields;
    }
  };
  for (const kind of [
    ['-newkey', 'rsa:1024'],
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
    ['-newkey', 'ed25519'],
  ]) {
    const odd = await makeCertificate(t, 'shop.example.com', kind);
    t.match(fault(odd), { certificate: /key that browsers take/ }, kind.join(' '));
  }
  t.equal(fault(await makeCertificate(t, 'shop.example.com', ['-newkey', 'rsa:2048'])), undefined);
  t.match(fault({ ...pair, key: other.key }), { key: 'is not the key of the certificate' });
  t.match(fault(pair, 'shop.example.org'), { certificate: 'is not for shop.example.org' });
  t.match(fault(pair, 'shop.example.com', now + 40 * 86_400_000), { certificate: /^expired on/ });
  t.match(fault(pair, 'shop.example.com', 0), { certificate: /^is not valid before/ });
  t.match(fault({ ...pair, certificate: 'x' }), { certificate: /PEM/ });
  t.match(fault({ ...pair, key: 'x' }), { key: /PEM/ });
});
