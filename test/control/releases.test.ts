// What a machine fetches before it is a host: over real HTTP, from a release of a few bytes.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { RELEASE_FILES } from '#shared/release/manifest.ts';
import { verifySums } from '#shared/release/sums.ts';
import { startRealHttp } from '../support/real-http.ts';
import { CONTENT, INSTALLER, PUBLIC_PEM, sha256, TARBALL, writeSmallRelease } from '../support/small-release.ts';

async function serve(t: Test, options: { isBuilt?: boolean; anonymous?: number } = {}) {
  const { isBuilt = true, anonymous = 1e6 } = options;
  const { http, world } = await startRealHttp(t, {
    config: { rateLimits: { anonymous, authenticated: 1, deploy: 1 } },
  });
  const dist = join(world.dir, 'dist');
  if (isBuilt) writeSmallRelease(dist);
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(http.url + path, { method, headers });
  return { http, world, dist, get };
}

const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;

t.test('every file of a release is given without a key, as it is', async (t) => {
  const { get } = await serve(t);
  const answer = await get(`/dist/${TARBALL}`);
  t.equal(answer.status, 200);
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'application/gzip',
    'content-length': String(CONTENT.length),
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    etag: `"${sha256(CONTENT)}"`,
    'x-content-type-options': 'nosniff',
  });
  t.same(Buffer.from(await answer.arrayBuffer()), CONTENT);

  const bytes = async (name: string) => Buffer.from(await (await get(`/dist/${name}`)).arrayBuffer());
  const sums = await bytes(RELEASE_FILES.sums);
  verifySums(sums, await bytes(RELEASE_FILES.signature), await bytes(RELEASE_FILES.publicKey));
  t.same(await bytes(RELEASE_FILES.publicKey), PUBLIC_PEM);
  t.match(sums.toString(), `${sha256(CONTENT)}  ${TARBALL}\n`);
  t.match(JSON.parse((await bytes(RELEASE_FILES.manifest)).toString()), { version: '1.2.3' });
});

t.test('/install.sh is text that can be piped into a shell', async (t) => {
  const { get } = await serve(t);
  for (const path of ['/install.sh', '/dist/install.sh']) {
    const answer = await get(path);
    t.match(answer.headers.get('content-type'), 'text/plain');
    t.equal(await answer.text(), INSTALLER);
  }
});

t.test('a download that broke off goes on where it was', async (t) => {
  const { get } = await serve(t);
  const path = `/dist/${TARBALL}`;
  const rest = await get(path, { range: 'bytes=15-' });
  t.equal(rest.status, 206);
  t.equal(rest.headers.get('content-range'), 'bytes 15-19/20');
  t.equal(rest.headers.get('content-length'), '5');
  t.equal(await rest.text(), 'fghij');

  const tag = rest.headers.get('etag') ?? '';
  t.equal((await get(path, { range: 'bytes=15-', 'if-range': tag })).status, 206);
  t.equal((await get(path, { range: 'bytes=15-', 'if-range': '"another build"' })).status, 200, 'all of another build');
  const past = await get(path, { range: 'bytes=20-' });
  t.equal(past.status, 416);
  t.equal(past.headers.get('content-range'), 'bytes */20');
  t.equal((await get(path, { range: 'bytes=0-1,3-4' })).status, 200, 'several ranges are all of it');
});

t.test('who has it already is told so', async (t) => {
  const { get } = await serve(t);
  const tag = `"${sha256(CONTENT)}"`;
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const answer = await get(`/dist/${TARBALL}`, { 'if-none-match': known });
    t.equal(answer.status, 304, known);
    t.equal(answer.headers.get('etag'), tag);
    t.equal(await answer.text(), '');
  }
  t.equal((await get(`/dist/${TARBALL}`, { 'if-none-match': '"other"' })).status, 200);
});

t.test('HEAD says what GET would', async (t) => {
  const { get } = await serve(t);
  const answer = await get(`/dist/${TARBALL}`, {}, 'HEAD');
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('content-length'), '20');
  t.equal(answer.headers.get('etag'), `"${sha256(CONTENT)}"`);
  t.equal(await answer.text(), '');
});

t.test('nothing but the files of the release is given', async (t) => {
  const { get, dist, world } = await serve(t);
  writeFileSync(join(dist, 'release-key.pem'), 'secret');
  writeFileSync(join(world.dir, 'secret.txt'), 'secret');
  const names = [
    'release-key.pem',
    '..%2fsecret.txt',
    '%2e%2e%2fsecret.txt',
    '..%5csecret.txt',
    '%00',
    '.',
    'longshore',
  ];
  for (const name of names) {
    const answer = await get(`/dist/${name}`);
    t.equal(answer.status, 404, name);
    t.equal(await codeOf(answer), 'not_found', name);
  }
  t.equal((await get('/dist/')).status, 404);
  t.equal((await get(`/dist/${TARBALL}`, {}, 'POST')).status, 405);
});

t.test('where nothing was built the answer says how to build', async (t) => {
  const { http } = await serve(t, { isBuilt: false });
  for (const path of ['/install.sh', `/dist/${TARBALL}`]) {
    const { status, body } = await http.get<{ error: { code: string; details: string } }>(path, null);
    t.equal(status, 404);
    t.match(body.error, { code: 'release_missing', details: /npm run build/ });
  }
});

t.test('a release that does not fit together is not given', async (t) => {
  const faults: [what: string, spoil: (dist: string) => void][] = [
    ['a changed manifest', (dist) => writeFileSync(join(dist, RELEASE_FILES.manifest), '{}')],
    ['a changed checksum', (dist) => writeFileSync(join(dist, RELEASE_FILES.sums), `${sha256('x')}  ${TARBALL}\n`)],
    ['no signature', (dist) => rmSync(join(dist, RELEASE_FILES.signature))],
    ['no tarball', (dist) => rmSync(join(dist, TARBALL))],
    ['half a tarball', (dist) => writeFileSync(join(dist, TARBALL), CONTENT.subarray(1))],
    ['a manifest that says nothing', (dist) => writeSmallRelease(dist, {})],
    ['a path for a name', (dist) => writeSmallRelease(dist, manifestWith({ name: '../longshore-1.tar.gz' }))],
    ['another checksum in the manifest', (dist) => writeSmallRelease(dist, manifestWith({ sha256: sha256('x') }))],
  ];
  for (const [what, spoil] of faults) {
    const { get, dist } = await serve(t);
    spoil(dist);
    const answer = await get(`/dist/${TARBALL}`);
    t.equal(answer.status, 409, what);
    t.equal(await codeOf(answer), 'release_invalid', what);
  }
});

const manifestWith = (more: object) => ({
  version: '1.2.3',
  protocol: 1,
  files: [{ name: TARBALL, arch: 'x64', format: 'gz', size: CONTENT.length, sha256: sha256(CONTENT), ...more }],
});

t.test('a new build counts at once', async (t) => {
  const { get, dist } = await serve(t, { isBuilt: false });
  t.equal((await get('/install.sh')).status, 404);
  writeSmallRelease(`${dist}.new`);
  renameSync(`${dist}.new`, dist);
  t.equal((await get('/install.sh')).status, 200);
});

t.test('downloads have a limit of their own for each address: many hosts may stand behind one', async (t) => {
  const { get } = await serve(t, { anonymous: 2 });
  for (let n = 0; n < 40; n++) t.equal((await get('/install.sh')).status, 200);
  const refused = await get(`/dist/${TARBALL}`);
  t.equal(refused.status, 429);
  t.match(refused.headers.get('retry-after'), /^\d+$/);
});
