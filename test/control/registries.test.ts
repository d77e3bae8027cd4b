// Registry logins over the API: who sees which, and that a password goes to hosts and nowhere else.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { composeBody, startRealHttp, type RealHttp } from '../support/real-http.ts';

const PASSWORD = 'canary-of-the-registry-41c7';
const LOGIN = { server: 'registry.example.com:5000', username: 'deploy-bot', password: PASSWORD };

interface View {
  id: string;
  name: string;
  server: string;
  username: string;
  customer_id: string | null;
}

/** The API as one key sees it. */
function apiOf({ http }: RealHttp, key: string) {
  const call = (method: string, path: string, json?: object, headers = {}) =>
    http.call(method, `/api/registries${path}`, { key, headers, body: json });
  return {
    get: (path = '') => call('GET', path),
    post: (json: object, headers = {}) => call('POST', '', json, headers),
    patch: (id: string, json: object) => call('PATCH', `/${id}`, json),
    remove: (id: string) => call('DELETE', `/${id}`),
  };
}

async function makeKey({ world }: RealHttp, permissions: Permission[], customerId?: string): Promise<string> {
  return (await world.app.keys.create(ADMIN, { name: 'test', permissions, customerId })).secret;
}

const idOf = (answer: { body: unknown }) => (answer.body as View).id;
const serversOf = (answer: { body: unknown }) => (answer.body as { data: View[] }).data.map(({ server }) => server);

t.test('a login is added, listed, changed and deleted, and never shows its password', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key); // holds secrets.read as well
  const made = await api.post(LOGIN);
  t.match(made, { status: 201, body: { name: LOGIN.server, server: LOGIN.server, username: 'deploy-bot' } });
  const id = idOf(made);
  t.match(id, /^reg_/);
  t.match(await api.get(), { body: { data: [{ id, customer_id: null }], total: 1 } });
  const changed = await api.patch(id, { name: 'Images', username: 'other-bot', password: `${PASSWORD}-2` });
  t.match(changed, { status: 200, body: { id, name: 'Images', username: 'other-bot', server: LOGIN.server } });
  t.same(real.world.stores.registries.loginsOf(null), [
    { server: LOGIN.server, username: 'other-bot', password: `${PASSWORD}-2` },
  ]);
  t.match(await api.patch(id, { name: 'Only the name' }), { status: 200, body: { username: 'other-bot' } });
  t.match(real.world.stores.registries.loginsOf(null), [{ password: `${PASSWORD}-2` }], 'the password stays');
  const shown = await Promise.all([api.get(), api.get(`/${id}`)]);
  for (const answer of [made, changed, ...shown]) t.notMatch(JSON.stringify(answer.body), 'canary');
  t.match(await api.remove(id), { status: 204 });
  t.match(await api.get(`/${id}`), { status: 404, body: { error: { code: 'not_found' } } });
});

t.test('a server is what image names begin with, however it was written', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  t.match(await api.post({ ...LOGIN, server: 'https://index.docker.io/v1/' }), { body: { server: 'docker.io' } });
  t.match(await api.post({ ...LOGIN, server: 'https://GHCR.io/' }), { body: { server: 'ghcr.io' } });
  for (const server of ['ghcr.io/team', 'registry', 'ftp://example.com', ' ']) {
    t.match(await api.post({ ...LOGIN, server }), {
      status: 422,
      body: { error: { code: 'validation_error', fields: { server: /what image names begin with/ } } },
    });
  }
});

t.test('a scope has one login for each server', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  const customer = await real.world.customer('Acme');
  t.match(await api.post(LOGIN), { status: 201 });
  t.match(await api.post({ ...LOGIN, server: `https://${LOGIN.server}` }), {
    status: 409,
    body: { error: { code: 'name_taken', fields: { server: /has a login/ } } },
  });
  t.match(await api.post({ ...LOGIN, customer_id: customer }), { status: 201 }, 'another scope, another login');
  t.match(await api.post({ ...LOGIN, customer_id: customer }), { status: 409 });
  t.match(await api.post({ ...LOGIN, customer_id: 'cust_unknown' }), {
    status: 422,
    body: { error: { fields: { customer_id: 'Invalid customer ID' } } },
  });
});

t.test('no scope has more logins than fit into a message to a host', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  for (let i = 0; i < 50; i++) t.match(await api.post({ ...LOGIN, server: `r${i}.example.com` }), { status: 201 });
  t.match(await api.post(LOGIN), { status: 409, body: { error: { code: 'state_conflict', message: /more than 50/ } } });
});

t.test('a body that does not fit is told field by field, without its values', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  const cases: [change: object, field: string][] = [
    [{ username: 'a:b' }, 'username'],
    [{ username: 'a\nb' }, 'username'],
    [{ username: '' }, 'username'],
    [{ password: '' }, 'password'],
    [{ password: `${PASSWORD}\0` }, 'password'],
    [{ password: PASSWORD.repeat(200) }, 'password'],
    [{ server: 'x'.repeat(256) }, 'server'],
    [{ email: 'x' }, 'email'],
  ];
  for (const [change, field] of cases) {
    const answer = await api.post({ ...LOGIN, ...change });
    t.match(
      answer,
      { status: 422, body: { error: { fields: { [field]: String } } } },
      JSON.stringify(change).slice(0, 40),
    );
    t.notMatch(JSON.stringify(answer.body), 'canary');
  }
});

t.test("a customer's key sees and makes its own logins only", async (t) => {
  const real = await startRealHttp(t);
  const [acme, other] = [await real.world.customer('Acme'), await real.world.customer('Other')];
  const all = apiOf(real, real.key);
  const foreign = idOf(await all.post({ ...LOGIN, customer_id: other }));
  const operators = idOf(await all.post(LOGIN));
  const own = apiOf(real, await makeKey(real, ['registries.*'], acme));

  t.match(await own.post({ ...LOGIN, server: 'ghcr.io' }), { status: 201, body: { customer_id: acme } });
  t.same(serversOf(await own.get()), ['ghcr.io']);
  t.same(serversOf(await own.get(`?customer_id=${other}`)), []);
  for (const id of [foreign, operators]) {
    t.match(await own.get(`/${id}`), { status: 404 });
    t.match(await own.patch(id, { password: 'mine-now' }), { status: 404 });
    t.match(await own.remove(id), { status: 404 });
  }
  t.match(await own.post({ ...LOGIN, customer_id: other }), { status: 404, body: { error: { code: 'not_found' } } });
  t.same(serversOf(await all.get(`?customer_id=${acme}`)), ['ghcr.io']);
  t.equal((await all.get()).body['total'], 3);
});

t.test('A07: a key of some hosts reads logins, and changes none: they reach every host', async (t) => {
  const real = await startRealHttp(t);
  const all = apiOf(real, real.key);
  const id = idOf(await all.post(LOGIN));
  const hostLabels = { zone: 'eu' };
  const key = await real.world.app.keys.create(ADMIN, { name: 'eu', permissions: ['registries.*'], hostLabels });
  const bound = apiOf(real, key.secret);
  t.match(await bound.get(`/${id}`), { status: 200 });
  const answers = [bound.post({ ...LOGIN, server: 'ghcr.io' }), bound.patch(id, { username: 'me' }), bound.remove(id)];
  for (const answer of await Promise.all(answers))
    t.match(answer, { status: 403, body: { error: { code: 'forbidden' } } });
  t.match(await all.get(), { body: { data: [{ id, username: LOGIN.username }], total: 1 } });
});

t.test('lists have pages, an order and a search', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  for (const server of ['b.example.com', 'a.example.com', 'ghcr.io']) await api.post({ ...LOGIN, server });
  t.same(serversOf(await api.get('?sort=server&order=desc&per_page=2')), ['ghcr.io', 'b.example.com']);
  t.same(serversOf(await api.get('?sort=server&order=desc&per_page=2&page=2')), ['a.example.com']);
  t.same(serversOf(await api.get('?search=example')), ['a.example.com', 'b.example.com']);
  t.match(await api.get('?sort=password'), { status: 400, body: { error: { code: 'invalid_query' } } });
});

t.test('the same Idempotency-Key adds one login, and another password under it is refused', async (t) => {
  const real = await startRealHttp(t);
  const api = apiOf(real, real.key);
  const headers = { 'idempotency-key': 'once' };
  const [first, second] = [await api.post(LOGIN, headers), await api.post(LOGIN, headers)];
  t.equal(idOf(first), idOf(second));
  t.match(await api.post({ ...LOGIN, password: 'another-password' }, headers), {
    status: 409,
    body: { error: { code: 'idempotency_mismatch' } },
  });
  t.equal((await api.get()).body['total'], 1);
});

t.test('a deploy takes along the logins its images name, of its own scope alone', async (t) => {
  const real = await startRealHttp(t);
  const { world, http, key } = real;
  const host = await world.joinAndConnect();
  const customer = await real.world.customer('Acme');
  const api = apiOf(real, key);
  await api.post(LOGIN);
  await api.post({ ...LOGIN, server: 'ghcr.io' });
  await api.post({ ...LOGIN, username: 'acme-bot', customer_id: customer });

  const compose = `services: { web: { image: "${LOGIN.server}/team/web:1" } }`;
  const create = (name: string, more: object = {}) =>
    http.call('POST', '/api/services', { key, body: composeBody(name, { compose, ...more }) });
  t.match(await create('operators'), { status: 201 });
  t.match(await create('acmes', { customer_id: customer }), { status: 201 });
  t.match(await create('public', { compose: 'services: { web: { image: "nginx:1.28.0" } }' }), { status: 201 });
  const offers = await eventually(() => host.offers(), { until: ({ length }) => length === 3 });
  t.same(
    offers.map(({ spec }) => [spec?.name, spec?.registries?.map(({ username, server }) => `${username}@${server}`)]),
    [
      ['operators', [`deploy-bot@${LOGIN.server}`]],
      ['acmes', [`acme-bot@${LOGIN.server}`]],
      ['public', []],
    ],
  );
});

t.test('a customer that is deleted takes its logins along', async (t) => {
  const real = await startRealHttp(t);
  const customer = await real.world.customer('Acme');
  const api = apiOf(real, real.key);
  const id = idOf(await api.post({ ...LOGIN, customer_id: customer }));
  await real.world.app.customers.remove(ADMIN, customer);
  t.match(await api.get(`/${id}`), { status: 404 });
});

t.test('no file of the control plane holds a password in the clear', async (t) => {
  const real = await startRealHttp(t);
  const { world, http, key } = real;
  await world.join();
  await apiOf(real, key).post(LOGIN, { 'idempotency-key': 'once' });
  const compose = `services: { web: { image: "${LOGIN.server}/team/web:1" } }`;
  t.match(await http.call('POST', '/api/services', { key, body: composeBody('web', { compose }) }), { status: 201 });
  checkFiles(t, world.dir);
});

function checkFiles(t: Test, dir: string): void {
  const forms = [
    PASSWORD,
    Buffer.from(PASSWORD).toString('base64').slice(0, -4),
    Buffer.from(`deploy-bot:${PASSWORD}`).toString('base64').slice(0, -4),
  ];
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  t.not(files.length, 0);
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name));
    t.notOk(
      forms.some((form) => bytes.includes(form)),
      `${name} does not hold it`,
    );
  }
}
