// Shared variables over the real app and HTTP: scopes, masks, what travels to hosts, what is refused.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Caller } from '../../control/app/api/caller.ts';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { faultCode } from '../support/fault-code.ts';
import { startRealHttp } from '../support/real-http.ts';

const BLIND: Caller = { ...ADMIN, permissions: ['variables.*', 'services.*'] };
const PAGE = { page: 1, perPage: 20, sort: 'name', order: 'asc' } as const;
const compose = (text: string) => ({
  source: { method: 'compose' as const, compose: `services: {web: {image: "busybox:1", command: "${text}"}}` },
});

async function customer(world: ControlWorld, name: string): Promise<Caller & { customerId: string }> {
  const { id } = await world.app.customers.create(ADMIN, { name });
  return { ...ADMIN, customerId: id };
}

t.test('a variable fills the services of its scope with their next deploy', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const acme = await customer(world, 'Acme');
  const own = await world.app.variables.create(ADMIN, { name: 'TOKEN', value: 'of-the-operator' });
  await world.app.variables.create(acme, { name: 'TOKEN', value: 'of-acme' });
  const first = await world.create('first', { hostId: host.id, ...compose('${TOKEN}') });
  const second = await world.create('second', { customerId: acme.customerId, hostId: host.id, ...compose('${TOKEN}') });
  t.match((await host.offered(first.job.id)).spec, {
    variables: { TOKEN: 'of-the-operator' },
    secretNames: ['TOKEN'],
    literalSecrets: ['of-the-operator'],
  });
  t.match((await host.offered(second.job.id)).spec, { variables: { TOKEN: 'of-acme' } });
  t.same(world.app.variables.detail(ADMIN, own.id).usedBy, [{ id: first.service.id, name: 'first' }]);

  await host.finish(first.job.id);
  await world.app.variables.update(ADMIN, own.id, { value: 'changed' });
  t.equal(host.offers().length, 2, 'nothing is deployed by itself');
  const { job } = await world.app.services.redeploy(ADMIN, first.service.id, {});
  t.match((await host.offered(job.id)).spec, { variables: { TOKEN: 'changed' } });
});

t.test('a variable in use cannot be deleted; one that no service takes any more can', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { id } = await world.app.variables.create(ADMIN, { name: 'TOKEN', value: 'x' });
  const service = await world.deployed(host, 'web', compose('${TOKEN}'));
  t.equal(await faultCode(world.app.variables.remove(ADMIN, id)), 'in_use');
  await world.app.services.update(ADMIN, service, { variables: { TOKEN: 'own' } });
  await world.app.variables.remove(ADMIN, id);
  t.same(world.app.variables.list(ADMIN, PAGE).items, []);
});

t.test('A69: a secret reads *** without secrets.read, and cannot be turned into an ordinary one', async (t) => {
  const world = new ControlWorld(t);
  const secret = await world.app.variables.create(BLIND, { name: 'SECRET', value: 'canary-shared' });
  t.equal(secret.value, '***', 'also in the answer to who made it');
  const plain = await world.app.variables.create(BLIND, { name: 'PLAIN', value: 'seen', isSecret: false });
  t.same(
    world.app.variables.list(BLIND, PAGE).items.map(({ value }) => value),
    ['seen', '***'],
  );
  t.equal(world.app.variables.detail(ADMIN, secret.id).value, 'canary-shared');
  const update = (id: string, change: object, caller = BLIND) => world.app.variables.update(caller, id, change);
  t.equal(await faultCode(update(secret.id, { isSecret: false })), 'forbidden');
  t.equal(await faultCode(update(secret.id, { isSecret: false, value: '***' })), 'forbidden');
  await update(secret.id, { value: '***', description: 'sent back' });
  t.match(world.app.variables.detail(ADMIN, secret.id), { value: 'canary-shared', description: 'sent back' });
  t.match(await update(secret.id, { isSecret: false, value: 'new' }), { value: 'new', isSecret: false });
  t.match(await update(plain.id, { isSecret: true }), { value: '***' });
});

t.test('A07: a key of a customer meets only the variables of that customer', async (t) => {
  const world = new ControlWorld(t);
  const [acme, other] = [await customer(world, 'Acme'), await customer(world, 'Other')];
  const own = await world.app.variables.create(acme, { name: 'A', value: '1' });
  const operators = await world.app.variables.create(ADMIN, { name: 'A', value: '2' });
  t.equal(own.customerId, acme.customerId);
  t.same(
    world.app.variables.list(acme, PAGE).items.map(({ id }) => id),
    [own.id],
  );
  t.throws(() => world.app.variables.detail(acme, operators.id), { code: 'not_found' });
  t.equal(await faultCode(world.app.variables.update(other, own.id, { value: 'x' })), 'not_found');
  t.equal(await faultCode(world.app.variables.remove(other, own.id)), 'not_found');
  const foreign = { name: 'B', value: '1', customerId: other.customerId };
  t.equal(await faultCode(world.app.variables.create(acme, foreign)), 'not_found');
  t.equal(await faultCode(world.app.variables.create(ADMIN, { name: 'A', value: '3' })), 'name_taken');
  t.equal(
    await faultCode(world.app.variables.create(ADMIN, { name: 'C', value: '1', customerId: 'cust_none' })),
    'validation_error',
  );
});

t.test('A07: a key of some hosts reads shared variables, and changes none: they reach every host', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect({ zone: 'eu' });
  const { id } = await world.app.variables.create(ADMIN, { name: 'A', value: '1' });
  await world.deployed(host, 'web', compose('${A}'));
  const bound: Caller = { ...ADMIN, hostLabels: { zone: 'us' } };
  t.match(world.app.variables.detail(bound, id), { value: '1', usedBy: [] });
  t.equal(await faultCode(world.app.variables.create(bound, { name: 'B', value: '1' })), 'forbidden');
  t.equal(await faultCode(world.app.variables.update(bound, id, { value: '2' })), 'forbidden');
  t.equal(await faultCode(world.app.variables.remove(bound, id)), 'forbidden');
});

t.test('A69: no file of the control plane holds a shared value in clear', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  await world.app.variables.create(ADMIN, { name: 'TOKEN', value: 'canary-shared' });
  await world.deployed(host, 'web', compose('${TOKEN}'));
  for (const file of readdirSync(world.dir)) t.notMatch(readFileSync(join(world.dir, file), 'latin1'), 'canary', file);
});

t.test('over HTTP: strict bodies, paging, one effect a key, and the count of services', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const headers = { 'idempotency-key': 'var-1' };
  const add = (body: unknown) => http.call<{ id: string }>('POST', '/api/variables', { key, body, headers });
  const made = await add({ name: 'TOKEN', value: 'secret-value', description: 'for mail' });
  t.match(made, { status: 201, body: { name: 'TOKEN', is_secret: true, customer_id: null, used_by: 0, services: [] } });
  t.strictSame((await add({ name: 'TOKEN', value: 'secret-value', description: 'for mail' })).body, made.body);
  await world.deployed(host, 'web', compose('${TOKEN}'));
  const path = `/api/variables/${made.body.id}`;
  t.match((await http.get(path, key)).body, { value: 'secret-value', used_by: 1, services: [{ name: 'web' }] });
  t.match((await http.get('/api/variables?search=mail&sort=name', key)).body, { total: 1, data: [{ name: 'TOKEN' }] });
  const permissions: Permission[] = ['variables.read'];
  const { secret: blind } = await world.app.keys.create(ADMIN, { name: 'blind', permissions });
  t.match((await http.get(path, blind)).body, { value: '***' });
  t.match(await http.error('PATCH', path, { key: blind, body: { value: 'x' } }), { status: 403 });
  const refused: [object, string][] = [
    [{ name: '1BAD', value: 'x' }, 'name'],
    [{ name: 'COMPOSE_FILE', value: 'x' }, 'name'],
    [{ name: 'OK', value: 'a\0b' }, 'value'],
    [{ name: 'OK', value: 'x', secret: true }, 'secret'],
  ];
  for (const [body, field] of refused) {
    const { status, fields } = await http.error('POST', '/api/variables', { key, body });
    t.same([status, Object.keys(fields ?? {})], [422, [field]]);
  }
  t.match(await http.call('PATCH', path, { key, body: { description: null } }), {
    status: 200,
    body: { description: null },
  });
  t.match(await http.error('DELETE', path, { key }), { status: 409, code: 'in_use' });
});
