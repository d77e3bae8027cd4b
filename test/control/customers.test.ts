// Customers and plans over HTTP and the real app layer: what their routes take, refuse and show, and to whom.
import t, { type Test } from 'tap';
import { ADMIN } from '../support/control-world.ts';
import type { TestHttp } from '../support/http-server.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

interface Named {
  id: string;
  name: string;
}

/** The real thing with calls by the admin's key. */
async function start(t: Test) {
  const { world, http, key } = await startRealHttp(t);
  const post = <Body = Named>(path: string, body?: object) => http.call<Body>('POST', path, { key, body });
  const refused = (method: string, path: string, body?: object) => http.error(method, path, { key, body });
  const names = async (path: string) =>
    (await http.get<{ data: Named[] }>(path, key)).body.data.map(({ name }) => name);
  return { world, http, key, post, refused, names };
}

const keyOf = async (world: Awaited<ReturnType<typeof start>>['world'], customerId: string) =>
  (await world.app.keys.create(ADMIN, { name: 'bound', permissions: ['*'], customerId })).secret;

t.test('a plan is made, changed field by field, and deleted', async (t) => {
  const { http, key, post } = await start(t);
  const made = await post('/api/plans', { name: 'Small', limits: { services: 2, memory_mb: 512 } });
  t.match(made, {
    status: 201,
    body: {
      id: /^plan_/,
      name: 'Small',
      description: null,
      limits: { services: 2, cpu: null, memory_mb: 512, storage_mb: null },
      created_at: /Z$/,
    },
  });
  const path = `/api/plans/${made.body.id}`;
  const change = { description: 'For a start', limits: { cpu: 1.5, services: null } };
  const changed = await http.call('PATCH', path, { key, body: change });
  t.match(changed.body, {
    name: 'Small',
    description: 'For a start',
    limits: { services: null, cpu: 1.5, memory_mb: 512, storage_mb: null },
  });
  t.strictSame((await http.get(path, key)).body, changed.body);
  t.equal((await http.call('DELETE', path, { key })).status, 204);
  t.match(await http.error('GET', path, { key }), { status: 404, code: 'not_found' });
});

t.test('a customer is made, changed and deleted', async (t) => {
  const { http, key, post } = await start(t);
  const plan = (await post('/api/plans', { name: 'Small', limits: { services: 2 } })).body;
  const made = await post('/api/customers', { name: 'Acme Corp', email: 'ops@acme.example', plan_id: plan.id });
  t.match(made, {
    status: 201,
    body: {
      id: /^cust_/,
      name: 'Acme Corp',
      email: 'ops@acme.example',
      plan_id: plan.id,
      plan_name: 'Small',
      status: 'active',
      suspended_at: null,
      limits: { services: 2, cpu: null, memory_mb: null, storage_mb: null },
      usage: { services: 0, cpu: 0, memory_mb: 0, storage_mb: null },
    },
  });
  const path = `/api/customers/${made.body.id}`;
  t.match((await http.call('PATCH', path, { key, body: { name: 'Acme', plan_id: null } })).body, {
    name: 'Acme',
    email: 'ops@acme.example',
    plan_id: null,
    plan_name: null,
    limits: null,
  });
  t.match((await http.call('PATCH', path, { key, body: { email: null } })).body, { name: 'Acme', email: null });
  t.equal((await http.call('DELETE', path, { key })).status, 204);
  t.match(await http.error('GET', path, { key }), { status: 404, code: 'not_found' });
});

t.test('an unknown plan and a missing name are refused in the documented words', async (t) => {
  const { world, refused, post } = await start(t);
  const customer = await world.customer('Acme');
  const fields = (name: string) => ({ status: 422, code: 'validation_error', fields: { name } });
  t.match(await refused('POST', '/api/customers', { name: 'a', plan_id: 'plan_nope' }), {
    status: 422,
    code: 'validation_error',
    message: 'Validation failed',
    fields: { plan_id: 'Invalid plan ID' },
  });
  t.match(await refused('POST', '/api/customers', { plan_id: 'x' }), {
    fields: { name: 'Customer name is required', plan_id: 'Invalid plan ID' },
  });
  t.match(await refused('PATCH', `/api/customers/${customer}`, { plan_id: 'plan_nope' }), {
    status: 422,
    fields: { plan_id: 'Invalid plan ID' },
  });
  for (const name of [undefined, null, '']) {
    t.match(await refused('POST', '/api/customers', { name }), fields('Customer name is required'));
    t.match(await refused('POST', '/api/plans', { name }), fields('Plan name is required'));
    const { name: _, ...body } = composeBody('web');
    t.match(await refused('POST', '/api/services', { ...body, name }), fields('Service name is required'));
  }
  t.match(await refused('POST', '/api/customers', { name: 'a', email: 'nobody' }), {
    fields: { email: 'Must be an email address' },
  });
  t.match(await refused('POST', '/api/plans', { name: 'a', limits: { cpu: 0, memory_mb: 1.5, disk: 1 } }), {
    fields: { 'limits.cpu': String, 'limits.memory_mb': String, 'limits.disk': 'Unknown field' },
  });
  t.match(await refused('POST', '/api/customers', { name: 'a', status: 'active' }), {
    fields: { status: 'Unknown field' },
  });
  await post('/api/plans', { name: 'Small' });
  t.match(await refused('POST', '/api/plans', { name: 'Small' }), { status: 409, code: 'name_taken' });
});

t.test('what is still used is not deleted', async (t) => {
  const { world, refused, http, key } = await start(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('Acme', { services: 2 });
  const { planId } = world.app.customers.detail(ADMIN, customerId);
  const id = await world.deployed(host, 'web', { customerId });
  t.match(await refused('DELETE', `/api/plans/${planId}`), { status: 409, code: 'in_use' });
  t.match(await refused('DELETE', `/api/customers/${customerId}`), {
    status: 409,
    code: 'in_use',
    message: 'Customer "Acme" still has 1 service',
  });
  const { job } = await world.app.services.remove(ADMIN, id, 0);
  await host.finish(job.id, {}, null);
  t.equal((await http.call('DELETE', `/api/customers/${customerId}`, { key })).status, 204);
  t.equal((await http.call('DELETE', `/api/plans/${planId}`, { key })).status, 204);
});

t.test('A10: lists are paged, sorted, filtered and searched', async (t) => {
  const { world, http, key, names } = await start(t);
  const small = await world.app.plans.create(ADMIN, { name: 'Small' });
  await world.app.plans.create(ADMIN, { name: 'Large' });
  for (const [name, email] of [
    ['Beta', 'x@beta.example'],
    ['Acme', 'x@shop.example'],
    ['Gamma', null],
  ] as const) {
    await world.app.customers.create(ADMIN, { name, email, planId: name === 'Gamma' ? small.id : null });
    world.clock.advance(1);
  }
  const gamma = (await http.get<{ data: Named[] }>('/api/customers?search=gam', key)).body.data[0];
  await world.app.customers.suspend(ADMIN, gamma?.id ?? '');
  t.same(await names('/api/customers'), ['Beta', 'Acme', 'Gamma']);
  t.same(await names('/api/customers?sort=name&order=desc'), ['Gamma', 'Beta', 'Acme']);
  t.same(await names('/api/customers?sort=name&per_page=2&page=2'), ['Gamma']);
  t.same(await names('/api/customers?status=suspended'), ['Gamma']);
  t.same(await names('/api/customers?status=active&sort=name'), ['Acme', 'Beta']);
  t.same(await names(`/api/customers?plan_id=${small.id}`), ['Gamma']);
  t.same(await names('/api/customers?search=shop'), ['Acme'], 'by address as well');
  t.same(await names('/api/customers?search=%25'), [], 'a wildcard is a character');
  t.match(await http.error('GET', '/api/customers?sort=email', { key }), { status: 400, code: 'invalid_query' });
  t.same(await names('/api/plans?sort=name'), ['Large', 'Small']);
  t.same(await names('/api/plans?search=sma'), ['Small']);
  t.match((await http.get('/api/plans?per_page=1', key)).body, { total: 2, page: 1, per_page: 1 });
});

t.test('A16: deleting a customer ends its keys, and no key is made for one that is not there', async (t) => {
  const { world, http, key, refused } = await start(t);
  const customer_id = await world.customer('Acme');
  const bound = await keyOf(world, customer_id);
  t.equal((await http.get('/api/customers', bound)).status, 200);
  t.equal((await http.call('DELETE', `/api/customers/${customer_id}`, { key })).status, 204);
  t.match(await http.error('GET', '/api/customers', { key: bound }), { status: 401, code: 'unauthorized' });
  const body = { name: 'late', permissions: ['services.read'], customer_id };
  t.match(await refused('POST', '/api/auth/api-keys', body), {
    status: 422,
    fields: { customer_id: 'Invalid customer ID' },
  });
});

/** Everything a key with all permissions may try on an id. */
const writesOn = (path: string, body: object): [string, string, object | undefined][] => [
  ['PATCH', path, body],
  ['DELETE', path, undefined],
];

t.test('A07: a key of one customer sees that one and its plan, as if there were no other', async (t) => {
  const { world, http, names } = await start(t);
  const own = await world.customer('Own', {});
  world.clock.advance(1); // lists go by age
  const other = await world.customer('Other', {});
  const key = await keyOf(world, own);
  t.same(await names('/api/customers'), ['Own', 'Other']);
  t.match((await http.get('/api/customers', key)).body, { total: 1, data: [{ id: own }] });
  t.match((await http.get('/api/plans', key)).body, { total: 1, data: [{ name: 'plan of Own' }] });
  const plan = world.app.customers.detail(ADMIN, other).planId;
  const attempts = [
    ['GET', `/api/customers/${other}`, undefined],
    ['POST', `/api/customers/${other}/suspend`, undefined],
    ['POST', `/api/customers/${other}/resume`, undefined],
    ...writesOn(`/api/customers/${other}`, { name: 'x' }),
    ['GET', `/api/plans/${plan}`, undefined],
    ...writesOn(`/api/plans/${plan}`, { name: 'x' }),
  ] as const;
  for (const [method, path, body] of attempts) {
    t.match(await http.error(method, path, { key, body }), { status: 404, code: 'not_found' }, `${method} ${path}`);
  }
});

t.test('A18: a key of one customer changes its name, not what it is allowed', async (t) => {
  const { world, http } = await start(t);
  const own = await world.customer('Own', { services: 1 });
  const other = await world.app.plans.create(ADMIN, { name: 'Huge' });
  const { planId } = world.app.customers.detail(ADMIN, own);
  const key = await keyOf(world, own);
  const path = `/api/customers/${own}`;
  t.match((await http.call('PATCH', path, { key, body: { name: 'New', plan_id: planId } })).body, { name: 'New' });
  const attempts = [
    ['POST', '/api/customers', { name: 'x' }],
    ['PATCH', path, { plan_id: other.id }],
    ['PATCH', path, { plan_id: null }],
    ['DELETE', path, undefined],
    ['POST', `${path}/suspend`, undefined],
    ['POST', `${path}/resume`, undefined],
    ['POST', '/api/plans', { name: 'x' }],
    ...writesOn(`/api/plans/${planId}`, { limits: { services: null } }),
  ] as const;
  for (const [method, to, body] of attempts) {
    t.match(await http.error(method, to, { key, body }), { status: 403, code: 'forbidden' }, `${method} ${to}`);
  }
  t.match(world.app.customers.detail(ADMIN, own), { planId, suspendedAt: null, plan: { limits: { services: 1 } } });
});

t.test('a key of some hosts suspends nobody: services of the customer may be on others', async (t) => {
  const { world, http } = await start(t);
  const id = await world.customer('Acme');
  const given = { name: 'eu', permissions: ['*' as const], hostLabels: { zone: 'eu' } };
  const { secret: key } = await world.app.keys.create(ADMIN, given);
  t.match(await http.error('POST', `/api/customers/${id}/suspend`, { key }), { status: 403, code: 'forbidden' });
});

t.test('A07: a service for a customer that is not there: 422 to an operator, 404 to a key of another', async (t) => {
  const { world, http, key, refused } = await start(t);
  const [own, other] = [await world.customer('Own'), await world.customer('Other')];
  t.match(await refused('POST', '/api/services', composeBody('web', { customer_id: 'cust_nope00' })), {
    status: 422,
    fields: { customer_id: 'Invalid customer ID' },
  });
  const bound = await keyOf(world, own);
  for (const customer_id of [other, 'cust_nope00']) {
    const body = composeBody('web', { customer_id });
    t.match(await http.error('POST', '/api/services', { key: bound, body }), { status: 404, code: 'not_found' });
  }
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { customerId: own });
  t.match((await http.get(`/api/services/${id}`, key)).body, { customer_id: own, customer_name: 'Own' });
});

t.test('A13: the same write under one Idempotency-Key makes one customer', async (t) => {
  const { world, http, key } = await start(t);
  const headers = { 'idempotency-key': 'once' };
  const call = (to: TestHttp, name: string) => to.call('POST', '/api/customers', { key, headers, body: { name } });
  const first = await call(http, 'Acme');
  t.strictSame((await call(http, 'Acme')).body, first.body);
  t.match(await call(http, 'Other'), { status: 409, body: { error: { code: 'idempotency_mismatch' } } });
  t.equal(world.app.customers.list(ADMIN, { page: 1, perPage: 9, sort: 'name', order: 'asc' }).total, 1);
});
