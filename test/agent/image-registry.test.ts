// Asking registries that mean no good, over real sockets: what they get to know, and where they cannot send us.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { request } from 'undici';
import type { Lookup } from '#shared/guarded-lookup.ts';
import { openDoor } from '../../agent/images/doors.ts';
import type { RegistrySettings } from '../../agent/images/endpoints.ts';
import { Registries, type RegistriesDeps } from '../../agent/images/registry.ts';
import { faultCode } from '../support/fault-code.ts';
import { DIGEST, resolveTo, sayDigest, startFakeRegistry, wantToken } from '../support/fake-registry.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificate } from '../support/git-server.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DOCKERS_OWN: RegistrySettings = { insecureRanges: ['127.0.0.0/8'], insecureServers: [], mirrors: [] };
const NEVER = new AbortController().signal;
const BASIC = `Basic ${Buffer.from('bot:canary').toString('base64')}`;

const registries = (more: Partial<RegistriesDeps> & { settings?: Partial<RegistrySettings> } = {}) =>
  new Registries({
    fetchSettings: async () => ({ ...DOCKERS_OWN, ...more.settings }),
    clock: new ManualClock(),
    ...more,
  });

const loginTo = (server: string) => ({ server, username: 'bot', password: 'canary' });

function ask(port: number, from = registries(), host = '127.0.0.1'): Promise<string> {
  const server = `${host}:${port}`;
  return from.fetchDigest(`${server}/team/web:1`, loginTo(server), NEVER);
}

t.test('one HEAD of the manifest tells, with a token where one is wanted', async (t) => {
  const open = await startFakeRegistry(t, sayDigest);
  t.equal(await registries().fetchDigest(`127.0.0.1:${open.port}/web`, undefined, NEVER), DIGEST);
  t.same(open.asked, ['HEAD /v2/web/manifests/latest nobody']);

  const tokens = await startFakeRegistry(t, (_request, response) => response.end('{"token":"abc"}'));
  const closed = await startFakeRegistry(
    t,
    wantToken(() => `http://127.0.0.1:${tokens.port}/token`),
  );
  t.equal(await ask(closed.port), DIGEST);
  t.same(closed.asked, ['HEAD /v2/team/web/manifests/1 nobody', 'HEAD /v2/team/web/manifests/1 Bearer abc']);
  t.same(tokens.asked, [`GET /token?service=fake&scope=repository%3Ateam%2Fweb%3Apull ${BASIC}`]);
});

t.test('a registry without tokens gets the login itself, and says when it is wrong', async (t) => {
  const registry = await startFakeRegistry(t, (request, response) => {
    if (request.headers.authorization === BASIC) return sayDigest(request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  t.equal(await ask(registry.port), DIGEST);
  const image = `127.0.0.1:${registry.port}/web:1`;
  const login = { ...loginTo(`127.0.0.1:${registry.port}`), password: 'old' };
  t.equal(await faultCode(registries().fetchDigest(image, login, NEVER)), 'registry_login_failed');
  t.equal(await faultCode(registries().fetchDigest(image, undefined, NEVER)), 'image_unavailable');
});

t.test(
  'a realm leads to no metadata, to no other host in the clear, and from a public registry to no private one',
  async (t) => {
    const inner = await startFakeRegistry(t, (_request, response) => response.end('{"token":"abc"}'));
    let realm = '';
    const registry = await startFakeRegistry(
      t,
      wantToken(() => realm),
    );
    for (realm of [
      'https://169.254.169.254/latest/meta-data/iam',
      'http://169.254.169.254/latest/meta-data/iam',
      'https://[fd00:ec2::254]/latest',
      `http://localhost:${inner.port}/token`,
    ]) {
      t.equal(await faultCode(ask(registry.port)), 'egress_denied', realm);
    }
    // The registry is on a public address as well, which is not tried.
    realm = `https://127.0.0.2:${inner.port}/token`;
    const lookup = resolveTo('127.0.0.1', '93.184.215.14');
    const settings = { insecureServers: [`registry.example:${registry.port}`] };
    t.equal(await faultCode(ask(registry.port, registries({ lookup, settings }), 'registry.example')), 'egress_denied');
    t.same(inner.asked, []);
    t.notMatch(registry.asked.join(), BASIC, 'and the login stays here');
  },
);

t.test('a name on a link-local address is not asked at all', async (t) => {
  const lookup = resolveTo('169.254.169.254');
  t.equal(await faultCode(ask(80, registries({ lookup }), 'registry.example')), 'egress_denied');
  const door = openDoor({ allowsPrivate: false, isTrusting: false, certificates: '/nowhere' });
  t.teardown(() => door.destroy());
  const other = await startFakeRegistry(t, sayDigest);
  await t.rejects(request(`http://127.0.0.1:${other.port}/`, { dispatcher: door }), { code: 'egress_denied' });
});

t.test('a redirect takes no login along and comes to an end', async (t) => {
  const other = await startFakeRegistry(t, (_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="give it to me"' }).end(),
  );
  const registry = await startFakeRegistry(t, (_request, response) =>
    response.writeHead(307, { location: `http://127.0.0.1:${other.port}/v2/x/manifests/1` }).end(),
  );
  t.equal(await faultCode(ask(registry.port)), 'image_unavailable');
  t.same(other.asked, ['HEAD /v2/x/manifests/1 nobody']);

  const circle = await startFakeRegistry(t, ({ url = '' }, response) =>
    response.writeHead(302, { location: url }).end(),
  );
  t.equal(await faultCode(ask(circle.port)), 'egress_failed');
  t.equal(circle.asked.length, 4);
});

t.test('an endless token, endless headers and silence have an end', async (t) => {
  const endless = await startFakeRegistry(t, (request, response) => {
    if (request.method === 'HEAD') return wantToken(() => `http://127.0.0.1:${endless.port}/token`)(request, response);
    const more = () => void (response.destroyed || response.write('x'.repeat(65_536), more));
    more();
  });
  await t.rejects(ask(endless.port), { code: 'egress_failed', message: /gives no token/ });

  const verbose = await startFakeRegistry(t, (_request, response) => {
    response.writeHead(200, { 'x-padding': 'x'.repeat(100_000) }).end();
  });
  await t.rejects(ask(verbose.port), { code: 'egress_failed', message: /headers of the reply are too large/ });

  await t.rejects(ask(await freePort()), { code: 'egress_failed', message: /The connection was refused/ });
  const silent = await startFakeRegistry(t, () => undefined);
  await t.rejects(ask(silent.port, registries({ deadlineMs: 200 })), { code: 'timed_out', message: /in time/ });
});

t.test('who asks to be asked later is left alone until then', async (t) => {
  const clock = new ManualClock();
  const from = registries({ clock });
  const registry = await startFakeRegistry(t, (_request, response) =>
    response.writeHead(429, { 'retry-after': '600' }).end(),
  );
  t.equal(await faultCode(ask(registry.port, from)), 'rate_limited');
  t.equal(await faultCode(ask(registry.port, from)), 'rate_limited');
  t.equal(registry.asked.length, 1);
  clock.advance(600_001);
  t.equal(await faultCode(ask(registry.port, from)), 'rate_limited');
  t.equal(registry.asked.length, 2);
});

t.test(
  'a certificate that nobody vouches for counts where Docker says so, and never is the clear a way out',
  async (t) => {
    const certificate = makeCertificate(t);
    const registry = await startFakeRegistry(t, sayDigest, certificate);
    const lookup = resolveTo('127.0.0.1');
    const settings = { insecureRanges: [] };
    const strict = registries({ lookup, settings });
    t.equal(await faultCode(ask(registry.port, strict, 'localhost')), 'egress_failed');
    t.equal(await ask(registry.port, registries({ lookup }), 'localhost'), DIGEST, 'loopback is insecure by itself');

    const certificates = makeFolder(t, 'agent');
    mkdirSync(join(certificates, `localhost:${registry.port}`));
    copyFileSync(certificate.caFile, join(certificates, `localhost:${registry.port}`, 'ca.crt'));
    t.equal(await ask(registry.port, registries({ lookup, settings, certificates }), 'localhost'), DIGEST);

    const clear = await startFakeRegistry(t, sayDigest);
    t.equal(await faultCode(ask(clear.port, strict, 'localhost')), 'egress_failed');
    t.same(clear.asked, []);
  },
);

t.test('a mirror of Docker Hub is asked first, without a login', async (t) => {
  const mirror = await startFakeRegistry(t, sayDigest);
  const settings = { mirrors: [`http://127.0.0.1:${mirror.port}`] };
  const from = registries({ settings, lookup: resolveTo('127.0.0.1') });
  t.equal(await from.fetchDigest('nginx:1', loginTo('docker.io'), NEVER), DIGEST);
  t.same(mirror.asked, ['HEAD /v2/library/nginx/manifests/1 nobody']);
});

t.test('a mirror that wants to be left alone keeps nobody from asking', async (t) => {
  const mirror = await startFakeRegistry(t, (_request, response) => response.writeHead(429).end());
  const settings = { mirrors: [`http://127.0.0.1:${mirror.port}`] };
  const from = registries({ settings, lookup: resolveTo('127.0.0.1'), deadlineMs: 500 });
  const askHub = () => faultCode(from.fetchDigest('nginx:1', undefined, NEVER));
  t.not(await askHub(), 'rate_limited', 'Docker Hub itself, which is not there');
  t.not(await askHub(), 'rate_limited');
  t.equal(mirror.asked.length, 2);
});

t.test('a name that changes its mind is asked where it was judged to be', async (t) => {
  const registry = await startFakeRegistry(t, sayDigest);
  const answers = ['127.0.0.1', '169.254.169.254'];
  const lookup: Lookup = (_name, _options, done) =>
    done(null, [{ address: answers.shift() ?? '169.254.169.254', family: 4 }]);
  t.equal(await ask(registry.port, registries({ lookup }), 'registry.example'), DIGEST);
});
