// Where image names lead, and what can be said of a running image once its registry has answered.
import t from 'tap';
import { endpointsOf, type RegistrySettings } from '../../agent/images/endpoints.ts';
import { placeOf } from '../../agent/images/reference.ts';
import { digestOf, pauseOf, statusFault } from '../../agent/images/registry-answers.ts';
import { judge, judgeAlone, type RunningImage } from '../../agent/images/verdict.ts';
import { hasUpdate } from '#shared/image-updates.ts';

const OLD = `sha256:${'a'.repeat(64)}`;
const NEW = `sha256:${'b'.repeat(64)}`;

t.test('a name is read as Docker reads it', async (t) => {
  const places: [image: string, place: string | undefined][] = [
    ['nginx', 'docker.io library/nginx latest'],
    ['nginx:1.28', 'docker.io library/nginx 1.28'],
    ['louislam/uptime-kuma:2', 'docker.io louislam/uptime-kuma 2'],
    ['index.docker.io/library/nginx', 'docker.io library/nginx latest'],
    ['registry-1.docker.io/redis:7', 'docker.io library/redis 7'],
    ['ghcr.io/a/b/c:1', 'ghcr.io a/b/c 1'],
    ['localhost/web', 'localhost web latest'],
    ['127.0.0.1:5000/team/web:stable', '127.0.0.1:5000 team/web stable'],
    ['[::1]:5000/web:1', '[::1]:5000 web 1'],
    [`nginx:1.28@${OLD}`, undefined],
    [`ghcr.io/a/b@${OLD}`, undefined],
    [OLD, undefined],
    ['a'.repeat(64), undefined],
  ];
  for (const [image, expected] of places) {
    const place = placeOf(image);
    t.equal(place && `${place.server} ${place.repository} ${place.tag}`, expected, image);
  }
});

const SETTINGS: RegistrySettings = { insecureRanges: ['127.0.0.0/8', '::1/128'], insecureServers: [], mirrors: [] };

t.test('a registry is spoken to as Docker speaks to it', async (t) => {
  const print = (server: string, addresses: string[], settings: Partial<RegistrySettings> = {}) =>
    endpointsOf(server, addresses, { ...SETTINGS, ...settings }).map(({ url, isTrusting, isMirror }) =>
      [url.href, ...(isTrusting ? ['trusting'] : []), ...(isMirror ? ['mirror'] : [])].join(' '),
    );
  t.same(print('docker.io', ['203.0.113.7']), ['https://registry-1.docker.io/']);
  t.same(print('docker.io', ['203.0.113.7'], { mirrors: ['http://mirror.example:5000', 'nonsense'] }), [
    'http://mirror.example:5000/ mirror',
    'https://registry-1.docker.io/',
  ]);
  t.same(print('ghcr.io', ['203.0.113.7']), ['https://ghcr.io/'], 'a stranger gets TLS with a certificate, or nothing');
  t.same(print('127.0.0.1:5000', ['127.0.0.1']), ['https://127.0.0.1:5000/ trusting', 'http://127.0.0.1:5000/']);
  t.same(print('registry.lan', ['10.0.0.9'], { insecureServers: ['registry.lan'] }), [
    'https://registry.lan/ trusting',
    'http://registry.lan/',
  ]);
  t.same(print('registry.lan', ['10.0.0.9'], { insecureRanges: ['10.0.0.0/8', 'nonsense'] }).length, 2);
  t.same(print('registry.lan', ['10.0.0.9']), ['https://registry.lan/']);
});

const running = (image: string, digests?: string[]): RunningImage => ({ service: 'web', image, digests });

t.test('what needs no registry is not asked of one', async (t) => {
  t.match(judgeAlone(running(`nginx@${OLD}`, [])), { state: 'fixed', currentDigest: OLD });
  t.match(judgeAlone(running('built-here:1', [])), { state: 'fixed', currentDigest: null });
  t.match(judgeAlone(running('nginx:1', [`ghcr.io/other/nginx@${OLD}`])), { state: 'fixed' }, 'of another repository');
  t.match(judgeAlone(running('nginx:1')), { state: 'unknown', reason: /gone from the host/ });
  t.equal(judgeAlone(running('nginx:1', [`docker.io/library/nginx@${OLD}`])), undefined, 'another spelling of its own');
});

t.test('what runs is current when it has the digest of its name, among others', async (t) => {
  const both = running('nginx:1', [`nginx@${OLD}`, `nginx@${NEW}`]);
  t.match(judge(both, { digest: NEW }), { state: 'current', currentDigest: NEW, newestDigest: NEW });
  t.match(judge(running('nginx:1', [`nginx@${OLD}`]), { digest: NEW }), {
    state: 'newer',
    currentDigest: OLD,
    newestDigest: NEW,
  });
  t.match(judge(running('nginx:1', [`nginx@${OLD}`]), { reason: 'it is away' }), {
    state: 'unknown',
    currentDigest: OLD,
    newestDigest: null,
    reason: 'it is away',
  });
});

t.test('a service has an update when one image has; it is unknown when one is', async (t) => {
  const of = (...states: ('current' | 'newer' | 'unknown' | 'fixed')[]) =>
    hasUpdate(states.map((state) => ({ state })));
  t.equal(of('current', 'unknown', 'newer'), true);
  t.equal(of('current', 'unknown'), null);
  t.equal(of('current', 'fixed'), false);
  t.equal(of(), null);
});

t.test('each answer of a registry says what stands in the way', async (t) => {
  const subject = { server: 'ghcr.io', image: 'ghcr.io/a/b:1', login: undefined };
  const login = { server: 'ghcr.io', username: 'bot', password: 'canary' };
  t.equal(digestOf(200, OLD, subject), OLD);
  t.throws(() => digestOf(200, undefined, subject), { code: 'egress_failed', message: /tells no digests/ });
  t.throws(() => digestOf(200, 'sha256:<script>', subject), { code: 'egress_failed' });
  t.match(statusFault(401, subject), {
    code: 'image_unavailable',
    message: 'Registry "ghcr.io" wants a login for "ghcr.io/a/b:1"',
  });
  t.match(statusFault(401, { ...subject, login }), {
    code: 'registry_login_failed',
    message: /refuses the login of "bot"/,
  });
  t.match(statusFault(403, { ...subject, login }), { code: 'image_unavailable', message: /does not show .* to "bot"/ });
  t.match(statusFault(404, subject), {
    code: 'image_unavailable',
    message: 'Registry "ghcr.io" has no "ghcr.io/a/b:1"',
  });
  t.throws(() => digestOf(429, undefined, subject), { code: 'rate_limited' });
  t.match(statusFault(503, subject), { code: 'egress_failed', message: 'Registry "ghcr.io" answered 503' });
});

t.test('"later" is a time with bounds', async (t) => {
  const now = Date.parse('2026-11-01T12:00:00Z');
  const minutes = (text: string | undefined) => pauseOf(text, now) / 60_000;
  t.equal(minutes('600'), 10);
  t.equal(minutes('Sun, 01 Nov 2026 13:00:00 GMT'), 60);
  t.equal(minutes(undefined), 15);
  t.equal(minutes('soon'), 15);
  t.equal(minutes('0'), 1, 'not at once');
  t.equal(minutes('999999999'), 360, 'not never');
});
