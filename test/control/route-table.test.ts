// Walks over the table of routes: what the API promises of every path holds for each one that is mounted. A route that
// breaks a promise is named; a new one is walked without being listed here.
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { PERMISSIONS } from '../../control/app/access/permissions.ts';
import { collectRoutes, type Route } from '../../control/http/not-found.ts';
import {
  JSON_TYPE,
  operationsOf,
  resolveSchema,
  type OpenApi,
  type Operation,
} from '../../control/http/openapi/document.ts';
import { exampleOf } from '../../control/http/openapi/examples.ts';
import { buildHttp } from '../../control/http/server.ts';
import { ADMIN } from '../support/control-world.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, TestSocket, type ErrorBody } from '../support/http-server.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';
import { intrusions } from '../support/intrusions.ts';

/** What needs no key, each for a reason of its own. */
const PUBLIC = [
  '/healthz',
  '/readyz',
  '/agent/v1',
  '/api/openapi.json',
  '/docs',
  '/install.sh',
  '/dist/:file', // a machine has no key before it is a host
  '/docs/style.css',
  '/api/auth/login',
  '/api/auth/callback',
  '/api/services/:id/hooks/git', // signed by whoever pushes
];
/** Lists that come whole, because their length has a bound of its own. */
const WHOLE_LISTS = ['/api/jobs/{id}/log', '/api/services/{id}/revisions'];
/** Timelines: the newest first unless asked otherwise. All other lists start at `order=asc`. */
const NEWEST_FIRST =
  /\/(jobs|backups|audit|sessions|events|deliveries|attempts|runs|rollouts|incidents|upgrades|moves)$/;
/** Providers add parameters of their own to their answer (RFC 6749 §4.1.2). */
const LOOSE_QUERIES = ['/api/auth/callback'];
/** Their bodies are those of other programs, and counted as bytes because they are signed. */
const SIGNED_BODIES = ['/api/services/{id}/hooks/git'];
/** The answer is another one each time: a ticket is spent by its first use. */
const NEVER_REPLAYED = ['/api/auth/tickets'];

const RATE_HEADERS = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'];

const fill = (path: string): string => path.replace(/:\w+|\{\w+\}/g, 'x');

async function mountedRoutes(): Promise<Route[]> {
  const { routes } = await buildHttp(fakeDeps(new FakeApp()));
  return routes.filter(({ method }) => method !== 'HEAD');
}

async function describedOperations(http: RealHttp['http']) {
  const { body: document } = await http.get<OpenApi>('/api/openapi.json', null);
  const all = operationsOf(document).filter(({ path }) => path.startsWith('/api/'));
  return {
    document,
    operations: all.map((entry) => ({ ...entry, name: `${entry.method.toUpperCase()} ${entry.path}` })),
  };
}

/** A body that fits, where the operation takes one. */
function bodyFor(document: OpenApi, { requestBody }: Operation): { body?: unknown } {
  const schema = requestBody?.content[JSON_TYPE]?.schema;
  const body = schema && exampleOf(document, schema);
  return body === undefined || body === null ? {} : { body };
}

/** A refusal in the documented shape, with the headers of the rate limit. */
async function refusal(t: Test, { http }: RealHttp, method: string, path: string, options: object) {
  const { status, headers, body } = await http.call<ErrorBody>(method, fill(path), options);
  const name = `${method} ${path}`;
  if (path.startsWith('/api/'))
    for (const header of RATE_HEADERS) t.match(headers.get(header), /^\d+$/, `${name}: ${header}`);
  t.match(body.error, { code: /^[a-z_]+$/, message: /./, request_id: /./ }, `${name}: the shape of an error`);
  return { status, ...body.error };
}

t.test('a route that states no permission stops the start and is named', async (t) => {
  const http = Fastify();
  collectRoutes(http);
  t.throws(() => http.get('/open', () => ''), { message: 'Route GET /open states no permission' });
});

t.test('A16: no route answers without a key, except those that say they are public', async (t) => {
  const real = await startRealHttp(t);
  for (const { method, path, permission } of await mountedRoutes()) {
    t.equal(permission === 'public', PUBLIC.includes(path), `${method} ${path} is ${permission}`);
    if (permission === 'public') continue;
    t.match(
      await refusal(t, real, method, path, { key: null }),
      { status: 401, code: 'unauthorized' },
      `${method} ${path}`,
    );
  }
});

t.test('A18: a key without the permission of a route is told which one it needs', async (t) => {
  const real = await startRealHttp(t);
  for (const { method, path, permission } of await mountedRoutes()) {
    if (permission === 'public' || permission === 'authenticated') continue;
    const key = await keyWithout(real, permission);
    const refused = await refusal(t, real, method, path, { key });
    t.match(refused, { status: 403, code: 'forbidden', details: `Needs ${permission}` }, `${method} ${path}`);
  }
});

t.test('A18: the guard is the same for an upgrade', async (t) => {
  const real = await startRealHttp(t);
  const url = real.http.url.replace('http', 'ws');
  const refusedAs = async (path: string, key: string) => {
    const opened = await new TestSocket(
      new WebSocket(`${url}${fill(path)}`, { headers: { authorization: `Bearer ${key}` } }),
    ).opened;
    return opened === true ? opened : [opened.status, opened.body.error.code];
  };
  for (const { method, path, permission } of await mountedRoutes()) {
    if (method !== 'GET' || permission === 'public') continue;
    t.strictSame(await refusedAs(path, 'lsk_unknown'), [401, 'unauthorized'], path);
    if (permission === 'authenticated') continue;
    t.strictSame(await refusedAs(path, await keyWithout(real, permission)), [403, 'forbidden'], path);
  }
});

async function keyWithout({ world }: RealHttp, permission: string): Promise<string> {
  const permissions = PERMISSIONS.filter((it) => it !== permission);
  return (await world.app.keys.create(ADMIN, { name: `all but ${permission}`, permissions })).secret;
}

t.test('A07: an unknown field is a 422 that names it, in every body and at every depth', async (t) => {
  const real = await startRealHttp(t);
  const { document, operations } = await describedOperations(real.http);
  for (const { name, method, path, operation } of operations) {
    const schema = operation.requestBody?.content[JSON_TYPE]?.schema;
    if (SIGNED_BODIES.includes(path)) continue;
    if (!schema) {
      t.notMatch(method, /post|put|patch/, `${name} says what its body is`);
      continue;
    }
    const own = resolveSchema(document, schema);
    for (const form of own.oneOf ?? [own]) {
      for (const { body, field } of intrusions(document, form, exampleOf(document, form))) {
        const refused = await refusal(t, real, method.toUpperCase(), path, { key: real.key, body });
        t.match(refused, { status: 422, fields: { [field]: 'Unknown field' } }, `${name} with ${field}`);
      }
    }
  }
});

t.test('A10: an unknown query parameter is invalid_query on every path', async (t) => {
  const real = await startRealHttp(t);
  const { document, operations } = await describedOperations(real.http);
  for (const { name, method, path, operation } of operations) {
    if (LOOSE_QUERIES.includes(path)) continue;
    const options = { key: real.key, ...bodyFor(document, operation) };
    const refused = await refusal(t, real, method.toUpperCase(), `${path}?no_such_parameter=1`, options);
    t.match(refused, { status: 400, code: 'invalid_query', fields: { no_such_parameter: 'Unknown field' } }, name);
  }
});

t.test('A10: every list is paged and sorted the same way, and refuses what is outside of the set', async (t) => {
  const real = await startRealHttp(t);
  const { document, operations } = await describedOperations(real.http);
  const bad = [
    'page=0',
    'page=-1',
    'page=x',
    'per_page=0',
    'per_page=101',
    'per_page=1e9',
    'sort=id;DROP%20TABLE',
    'order=asc--',
    'page=1&page=2',
  ];
  let lists = 0;
  for (const { name, path, operation } of operations) {
    const answer = operation.responses['200']?.content?.[JSON_TYPE]?.schema;
    const { properties = {} } = answer ? resolveSchema(document, answer) : {};
    if (properties['data']?.type !== 'array' || WHOLE_LISTS.includes(path)) continue;
    lists++;
    t.ok(properties['total'] && properties['page'] && properties['per_page'], `${name} answers total, page, per_page`);
    const parameters = new Map((operation.parameters ?? []).map((it) => [it.name, it.schema ?? {}]));
    t.match(parameters.get('page'), { default: 1, minimum: 1 }, `${name}: page`);
    t.match(parameters.get('per_page'), { default: 20, minimum: 1, maximum: 100 }, `${name}: per_page`);
    t.ok(parameters.get('sort')?.default, `${name}: sort`);
    t.equal(parameters.get('order')?.default, NEWEST_FIRST.test(path) ? 'desc' : 'asc', `${name}: order`);
    for (const query of bad) {
      const refused = await refusal(t, real, 'GET', `${path}?${query}`, { key: real.key });
      t.match(
        refused,
        { status: 400, code: 'invalid_query', fields: { [query.split('=')[0] ?? '']: /./ } },
        `${name}?${query}`,
      );
    }
  }
  t.ok(lists >= 6, `${lists} lists`);
});

t.test('A13: every write takes an Idempotency-Key and refuses one that is none', async (t) => {
  const real = await startRealHttp(t);
  const { document, operations } = await describedOperations(real.http);
  for (const { name, method, path, operation } of operations) {
    if (method === 'get' || NEVER_REPLAYED.includes(path)) continue;
    const options = { key: real.key, headers: { 'idempotency-key': 'k'.repeat(300) }, ...bodyFor(document, operation) };
    const refused = await refusal(t, real, method.toUpperCase(), path, options);
    t.match(refused, { status: 400, code: 'bad_request', message: /Idempotency-Key/ }, name);
  }
});

t.test('every write is one row in the audit log, also one that is refused', async (t) => {
  const real = await startRealHttp(t);
  const { world } = real;
  const rows = () => world.app.audit.list(ADMIN, { page: 1, perPage: 1, order: 'desc' });
  const names = new Set<string>();
  for (const { method, path, permission } of await mountedRoutes()) {
    if (method === 'GET') continue;
    const exact = permission === 'authenticated' ? null : await keyWithout(real, permission);
    for (const key of [null, exact, real.key]) {
      if (key === null && permission === 'public') continue;
      world.clock.advance(60_000); // refusals are bounded by the minute
      const before = rows().total;
      const { status } = await real.http.call(method, fill(path), { key });
      const { total, items } = rows();
      t.equal(total, before + 1, `${method} ${path} answered ${status}`);
      t.match(items[0], { method, path, result: status < 400 ? 'ok' : 'refused' }, `${method} ${path}`);
      names.add(`${items[0]?.action}`);
    }
  }
  t.equal(
    names.size,
    (await mountedRoutes()).filter(({ method }) => method !== 'GET').length,
    'each has a name of its own',
  );
});
