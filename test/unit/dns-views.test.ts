// A zone's access as the API takes and shows it.
import t from 'tap';
import { fromNewDnsZone, newDnsZoneBody, toDnsZoneView } from '../../control/http/views/dns.ts';

const SECRET = 'c2VjcmV0';

const body = (given: object) => ({
  name: 'apps.example.com',
  access: { provider: 'rfc2136', server: 'ns1.example.com', key_name: 'longshore', key_secret: SECRET, ...given },
});

const shown = (server: string): unknown => {
  const { secret, settings, name, ttlS } = fromNewDnsZone(newDnsZoneBody.parse(body({ server })));
  if (secret !== SECRET || settings.provider !== 'rfc2136') throw new TypeError('not what was given');
  const zone = { id: 'zone_1', name, settings, ttlS, names: 0, createdAt: 0, updatedAt: 0 };
  const { access } = toDnsZoneView(zone);
  return [settings.server, 'server' in access && access.server];
};

t.test('a server is a name or an address, with or without a port', (t) => {
  t.same(shown('ns1.example.com'), [{ host: 'ns1.example.com', port: 53 }, 'ns1.example.com']);
  t.same(shown('192.0.2.53:5353'), [{ host: '192.0.2.53', port: 5353 }, '192.0.2.53:5353']);
  t.same(shown('[2001:db8::53]'), [{ host: '2001:db8::53', port: 53 }, '[2001:db8::53]']);
  t.same(shown('[2001:db8::53]:5353'), [{ host: '2001:db8::53', port: 5353 }, '[2001:db8::53]:5353']);
  t.end();
});

t.test('a zone is a domain in lower case, without a dot at the end', (t) => {
  t.equal(newDnsZoneBody.parse({ ...body({}), name: 'Apps.Example.COM.' }).name, 'apps.example.com');
  for (const name of [
    'localhost',
    'a..b',
    '-a.example.com',
    'a b.example.com',
    `${'a'.repeat(64)}.com`,
    '*.example.com',
  ]) {
    t.equal(newDnsZoneBody.safeParse({ ...body({}), name }).success, false, name);
  }
  t.end();
});

t.test('what is none is refused', (t) => {
  const faults = [
    { server: 'ns1.example.com:99999' },
    { server: 'http://ns1.example.com' },
    { server: '2001:db8::53' },
    { server: 'a;b' },
    { key_name: 'a b' },
    { key_name: '' },
    { key_secret: 'not base64!' },
    { key_secret: '' },
    { algorithm: 'hmac-md5' },
    { api_token: 'x' },
    { provider: 'route53' },
  ];
  for (const given of faults) t.equal(newDnsZoneBody.safeParse(body(given)).success, false, JSON.stringify(given));
  t.end();
});
