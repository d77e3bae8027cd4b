// What holds for every dialect: its paths are its own, its words are used for whatever goes wrong, and the same hooks
// as for our own API let requests in.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { PERMISSIONS } from '../../control/app/access/permissions.ts';
import { buildHttp } from '../../control/http/server.ts';
import { ADMIN } from '../support/control-world.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';
import { startRealHttp } from '../support/real-http.ts';

/** A prefix, and what an error looks like there. */
const DIALECTS = [
  { prefix: '/api/v1/services', error: { errors: [{ code: /./, detail: /./, status: /^\d+$/ }] } },
  { prefix: '/api/system/services', error: { detail: /./ } },
  { prefix: '/aikit/api', error: { success: false, error: /./ } },
];

async function mountedRoutes() {
  const { dialectRoutes } = await buildHttp(fakeDeps(new FakeApp()));
  return dialectRoutes.filter(({ method }) => method !== 'HEAD');
}

const fill = (path: string): string => path.replace(/:\w+/g, 'x');

t.test('docs/dialects.md lists every route of a dialect with its permission', async (t) => {
  const text = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| ([A-Z]+) \| (\/\S*) \| (\S+) \|$/gm)].map((row) => row.slice(1).join(' '));
  t.strictSame(
    documented.toSorted(),
    (await mountedRoutes()).map(({ method, path, permission }) => `${method} ${path} ${permission}`).toSorted(),
  );
});

t.test('A16, A18: no route answers without a key, nor without its permission', async (t) => {
  const { world, http } = await startRealHttp(t);
  for (const { method, path, permission } of await mountedRoutes()) {
    const name = `${method} ${path}`;
    t.equal((await http.call(method, fill(path), { key: null })).status, 401, name);
    t.equal((await http.call(method, fill(path), { key: 'lsk_unknown' })).status, 401, name);
    const permissions = PERMISSIONS.filter((it) => it !== permission);
    const { secret: key } = await world.app.keys.create(ADMIN, { name: `all but ${permission}`, permissions });
    t.equal((await http.call(method, fill(path), { key })).status, 403, name);
  }
});

t.test('a method that a path does not have is refused in the words of its dialect', async (t) => {
  const { http, key } = await startRealHttp(t);
  const routes = await mountedRoutes();
  for (const { path } of routes) {
    const { status, headers, body } = await http.call('PATCH', fill(path), { key });
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
    t.equal(status, 405, path);
    t.ok(
      methods.every((method) => headers.get('allow')?.split(', ').includes(method)),
      path,
    );
    t.match(body, DIALECTS.find(({ prefix }) => path.startsWith(prefix))?.error ?? {}, path);
  }
});

t.test('what lies beside a dialect is answered as by our own API', async (t) => {
  const http = await startTestHttp(t);
  const beside = ['/api/system', '/api/system/other', '/api/v1', '/api/v1/servicesx', '/API/system/services', '/aikit'];
  for (const path of beside)
    t.match(await http.get(path), { status: 404, body: { error: { code: 'not_found' } } }, path);
  t.match(await http.get('/api/services?filter=all'), { status: 400, body: { error: { code: 'invalid_query' } } });
});

t.test('a write is in the audit log, also one that is refused', async (t) => {
  const { world, http } = await startRealHttp(t);
  const rows = () => world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' });
  for (const { method, path } of await mountedRoutes()) {
    if (method === 'GET') continue;
    world.clock.advance(60_000); // refusals are bounded by the minute
    const before = rows().total;
    await http.call(method, fill(path), { key: null });
    t.equal(rows().total, before + 1, `${method} ${path}`);
    t.match(rows().items[0], { method, path, result: 'refused' });
  }
});

t.test('none of it is in our own OpenAPI document', async (t) => {
  const http = await startTestHttp(t);
  const { body } = await http.get<{ paths: Record<string, unknown> }>('/api/openapi.json', null);
  const foreign = Object.keys(body.paths).filter((path) => DIALECTS.some(({ prefix }) => path.startsWith(prefix)));
  t.strictSame(foreign, []);
});

for (const { prefix, error } of DIALECTS) {
  t.test(`${prefix} words every refusal itself`, async (t) => {
    const http = await startTestHttp(t, {
      config: { rateLimits: { anonymous: 4, authenticated: 4, deploy: 4 } },
    });
    const refused = async (path: string, key?: string) => {
      const { status, body } = await http.get(prefix + path, key);
      t.match(body, error, `${status} at ${path}`);
      t.notMatch(body, { error: { request_id: /./ } }, 'not in our own words');
      return status;
    };
    t.equal(await refused('/no/such/path/at/all'), 404);
    t.equal(await refused('/%zz'), 400, 'a broken URL');
    t.equal(await refused('/no/such/path?api_key=lsk_in_the_url'), 400);
    t.equal(await refused('/no/such/path/with/an/unknown/key', 'lsk_unknown'), 404, 'as in our own API');
    while ((await http.get(`${prefix}/no/such`)).status !== 429);
    t.equal(await refused('/no/such'), 429);
  });
}
