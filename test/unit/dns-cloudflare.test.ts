// Records at Cloudflare, by the words of its API.
import t from 'tap';
import { openCloudflare } from '../../control/dns/cloudflare.ts';
import { Cloudflare } from '../support/cloudflare.ts';

const ZONE = 'apps.example.com';
const WEB = `web.${ZONE}`;
const { signal } = new AbortController();

function scene({ token = 'token', zone = ZONE } = {}) {
  const cloud = new Cloudflare(ZONE, 'token');
  const settings = { provider: 'cloudflare' } as const;
  return { cloud, dns: openCloudflare({ zone, settings, secret: token, owner: 'us', ttlS: 60 }, cloud.send) };
}

t.test('a name gets its addresses, marked as ours and not proxied', async (t) => {
  const { cloud, dns } = scene();
  await dns.put(WEB, ['192.0.2.1', '2001:db8::1'], signal);
  const common = { name: WEB, ttl: 60, proxied: false, comment: 'heritage=longshore,owner=us' };
  t.same(cloud.records, [
    { id: 'r1', type: 'A', content: '192.0.2.1', ...common },
    { id: 'r2', type: 'AAAA', content: '2001:db8::1', ...common },
  ]);
});

t.test('what is right stays, however it is spelt, and the rest changes in one batch', async (t) => {
  const { cloud, dns } = scene();
  await dns.put(WEB, ['192.0.2.1', '2001:db8::1'], signal);
  await dns.put(WEB, ['192.0.2.1', '2001:db8:0::1'], signal);
  t.equal(cloud.calls.filter((call) => call.startsWith('POST')).length, 1, 'the same again: nothing to do');
  await dns.put(WEB, ['192.0.2.2', '2001:db8::1'], signal);
  t.same(cloud.addresses(WEB), ['192.0.2.2', '2001:db8::1']);
  t.equal(cloud.calls.filter((call) => call.startsWith('POST')).length, 2);
});

t.test('a name that is taken away is gone whole, twice as well', async (t) => {
  const { cloud, dns } = scene();
  await dns.put(WEB, ['192.0.2.1'], signal);
  await dns.remove(WEB, signal);
  await dns.remove(WEB, signal);
  t.same(cloud.records, []);
});

t.test("somebody else's records are left alone", async (t) => {
  for (const comment of [undefined, 'heritage=longshore,owner=them']) {
    const { cloud, dns } = scene();
    cloud.put({ type: 'CNAME', name: WEB, content: 'elsewhere.example.net', ...(comment && { comment }) });
    await t.rejects(dns.put(WEB, ['192.0.2.1'], signal), { code: 'dns_conflict' });
    await dns.remove(WEB, signal);
    t.same(cloud.addresses(WEB), ['elsewhere.example.net']);
  }
});

t.test('the zone is looked up once', async (t) => {
  const { cloud, dns } = scene();
  await dns.check(signal);
  await dns.put(WEB, ['192.0.2.1'], signal);
  t.equal(cloud.calls.filter((call) => call === 'GET /zones').length, 1);
});

t.test('what is wrong is said, without the token', async (t) => {
  await t.rejects(scene({ token: 'wrong' }).dns.check(signal), {
    code: 'dns_refused',
    message: 'Cloudflare refused: Invalid access token (9109)',
  });
  await t.rejects(scene({ zone: 'example.org' }).dns.check(signal), { message: /reaches no zone "example.org"/ });
});

t.test('trouble on the way is worth another try', async (t) => {
  for (const trouble of [
    { status: 429, body: '{"success":false,"errors":[]}' },
    { status: 502, body: '<html>' },
    { status: 200, body: 'not JSON' },
    { status: 200, body: '{"success":true,"result":[{"id":7}]}' },
  ]) {
    const { cloud, dns } = scene();
    cloud.trouble = trouble;
    await t.rejects(dns.check(signal), { code: 'egress_failed' });
  }
});
