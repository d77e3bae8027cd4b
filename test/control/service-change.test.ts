// PATCH of a service: what is merged, what deploys, what is refused; over the real app, and over HTTP where that matters.
import t from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import type { ServiceChange } from '../../control/app/api/services.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

const WITHOUT_SECRETS: Caller = { ...ADMIN, permissions: ['services.*'] };

const change = (world: ControlWorld, id: string, patch: ServiceChange, caller: Caller = ADMIN) =>
  world.app.services.update(caller, id, patch);

async function fieldsOf(promise: Promise<unknown>): Promise<Record<string, string>> {
  const error = await promise.then(() => undefined, toLongshoreError);
  return error?.fields ?? {};
}

async function specAfter(host: FakeHost, jobId: string | null) {
  return (await host.offered(jobId ?? '')).spec;
}

t.test('variables are merged, null removes, and the next revision is deployed', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { variables: { KEPT: '1', CHANGED: 'a', GONE: 'x' } });
  const { service, jobId } = await change(world, id, { variables: { CHANGED: 'b', GONE: null, NEW: 'n' } });
  t.match(service, { revision: 2, lifecycle: 'deploying', variables: { KEPT: '1', CHANGED: 'b', NEW: 'n' } });
  const offer = await host.offered(jobId ?? '');
  t.match(offer, { kind: 'deploy', pull: 'missing', spec: { revision: 2, compose: COMPOSE } });
  t.strictSame(offer.spec?.variables, { KEPT: '1', CHANGED: 'b', NEW: 'n' });
});

t.test('what reaches no container deploys nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { variables: { A: '1' }, labels: { team: 'a', old: 'x' } });
  const quiet: ServiceChange = {
    displayName: 'The web',
    category: 'sites',
    labels: { team: 'b', old: null },
    rollbackOnFailure: false,
    healthTimeoutS: 60,
    variables: { A: '1', NEVER: null },
    compose: COMPOSE,
  };
  const { service, jobId } = await change(world, id, quiet);
  t.equal(jobId, null);
  t.match(service, { revision: 1, lifecycle: 'running', displayName: 'The web', category: 'sites' });
  t.match(service, { labels: { team: 'b' }, rollbackOnFailure: false, healthTimeoutS: 60 });
  t.notOk('old' in service.labels);
  t.equal((await change(world, id, { displayName: null })).service.displayName, null);
  t.equal(host.offers().length, 1);
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  t.match(await specAfter(host, job.id), { labels: { team: 'b' }, rollbackOnFailure: false, healthTimeoutS: 60 });
});

t.test('limits are deployed, and null takes them away again', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const limited = await change(world, id, { limits: { cpu: 0.5, memoryMb: 256 } });
  t.match(await specAfter(host, limited.jobId), { limits: { cpu: 0.5, memoryMb: 256 } });
  await host.finish(limited.jobId ?? '');
  const lifted = await change(world, id, { limits: { cpu: null } });
  t.match(await specAfter(host, lifted.jobId), { limits: { cpu: null, memoryMb: 256 } });
});

t.test("a customer's plan and its suspension hold for a change too", async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const plan = await world.app.plans.create(ADMIN, { name: 'small', limits: { memoryMb: 512 } });
  const customer = await world.app.customers.create(ADMIN, { name: 'Acme', planId: plan.id });
  const limits = { memoryMb: 128 };
  const id = await world.deployed(host, 'web', { customerId: customer.id, limits });
  t.equal(await faultCode(change(world, id, { limits: { memoryMb: 600 } })), 'plan_limit');
  await world.app.customers.suspend(ADMIN, customer.id);
  t.equal(await faultCode(change(world, id, { displayName: 'x' })), 'customer_suspended');
});

t.test('A69: what was shown masked can be sent back and hides nothing but what it hid', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const compose = `services:
  web:
    image: busybox:1
    environment:
      API_TOKEN: literal-canary
      SALT: a$$canary
      LIST: plain
  db:
    image: busybox:1
    environment: [DB_PASSWORD=listed-canary, MODE=x]
`;
  const variables = { PASSWORD: 'own-canary', MODE: 'a' };
  const id = await world.deployed(host, 'web', { variables, source: { method: 'compose', compose } });
  const shown = world.app.services.detail(WITHOUT_SECRETS, id);
  t.notMatch(JSON.stringify(shown), 'canary');
  const back = await change(world, id, { variables: shown.variables, compose: shown.compose }, WITHOUT_SECRETS);
  t.equal(back.jobId, null);
  t.match(world.app.services.detail(ADMIN, id), { compose, variables });

  const edited = shown.compose.replace('MODE=x', 'MODE=y');
  const { service, jobId } = await change(
    world,
    id,
    { variables: { ...shown.variables, MODE: 'b' }, compose: edited },
    WITHOUT_SECRETS,
  );
  t.notMatch(JSON.stringify(service), 'canary');
  const spec = await specAfter(host, jobId);
  t.strictSame(spec?.variables, { PASSWORD: 'own-canary', MODE: 'b' });
  t.match(spec?.compose, /API_TOKEN: "literal-canary"[^]*DB_PASSWORD=listed-canary[^]*MODE=y/);
  t.same(spec?.secretNames, ['PASSWORD']);
  t.same(spec?.literalSecrets, ['literal-canary', 'a$canary', 'listed-canary'], 'as a container has them');
});

t.test('A69: a mask where no secret was is refused and never stored', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web', { variables: { MODE: 'a' } });
  t.same(Object.keys(await fieldsOf(change(world, id, { variables: { NEW_PASSWORD: '***' } }))), [
    'variables.NEW_PASSWORD',
  ]);
  const compose = 'services: {web: {image: "busybox:1", environment: {TOKEN: "***"}}}';
  t.match(await fieldsOf(change(world, id, { compose })), { compose: /services\.web\.environment\.TOKEN/ });
  t.equal(world.app.services.detail(ADMIN, id).revision, 1);
});

t.test('a change is checked like a new service, and a refused one changes nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const tooMany = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`V${n}`, '1']));
  const refused: [ServiceChange, RegExp][] = [
    [{ variables: { 'no-name': '1' } }, /^variables\.no-name$/],
    [{ variables: { NUL: 'a\0b' } }, /^variables\.NUL$/],
    [{ labels: { 'longshore.service': 'x' } }, /^labels\.longshore\.service$/],
    [{ variables: tooMany(201) }, /^variables$/],
    [{ labels: tooMany(65) }, /^labels$/],
    [{ compose: 'services: {web: {image: "busybox:1", ports: ["8080:80"]}}' }, /^services\.web\.ports\[0\]$/],
  ];
  for (const [patch, field] of refused) t.match(Object.keys(await fieldsOf(change(world, id, patch)))[0], field);
  t.equal(await faultCode(change(world, id, { compose: 'services: [' })), 'compose_invalid');
  t.match(world.app.services.detail(ADMIN, id), { revision: 1, labels: {}, variables: {}, compose: COMPOSE });
});

t.test("a template's service is checked by its template, and keeps the values that are read only once", async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const source = { method: 'template' as const, templateId: 'postgres' };
  const id = await world.deployed(host, 'db', { source });
  const before = world.app.services.detail(ADMIN, id).variables;
  const [once = ''] = Object.keys(before).filter((name) => /PASSWORD/.test(name));
  t.match(await fieldsOf(change(world, id, { compose: COMPOSE })), { compose: /belongs to the template/ });
  t.match(await fieldsOf(change(world, id, { variables: { NO_SUCH: '1' } })), {
    'variables.NO_SUCH': /not a variable/,
  });
  t.match(await fieldsOf(change(world, id, { variables: { [once]: 'another-password' } })), {
    [`variables.${once}`]: /cannot be changed/,
  });
  const shown = world.app.services.detail(WITHOUT_SECRETS, id).variables;
  t.equal(shown[once], '***');
  t.equal((await change(world, id, { variables: shown })).jobId, null, 'what was shown is what there is');
});

t.test('a change of a busy service is refused, one that deploys nothing is not', async (t) => {
  const world = new ControlWorld(t);
  await world.joinAndConnect();
  const { service } = await world.create('web');
  const both = { variables: { A: '1' }, displayName: 'refused', labels: { a: '1' } };
  t.equal(await faultCode(change(world, service.id, both)), 'service_busy');
  t.match(world.app.services.detail(ADMIN, service.id), { variables: {}, displayName: null, labels: {}, revision: 1 });
  t.equal((await change(world, service.id, { displayName: 'x' })).jobId, null);
});

t.test('a change made on an older revision is refused when it says so', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const first = await change(world, id, { variables: { A: '1' }, revision: 1 });
  await host.finish(first.jobId ?? '');
  t.equal(await faultCode(change(world, id, { variables: { A: '2' }, revision: 1 })), 'state_conflict');
  t.equal((await change(world, id, { variables: { A: '2' }, revision: 2 })).service.revision, 3);
});

t.test('a service never grows beyond what can be told to its host', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const large = (count: number, name: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}${n}`, 'x'.repeat(32_000)]));
  const first = await change(world, id, { variables: large(25, 'A') });
  await host.finish(first.jobId ?? '');
  const second = change(world, id, { variables: large(25, 'B') });
  t.match(await fieldsOf(second), { variables: /must stay below 1008 KiB/ });
  t.match(world.app.services.detail(ADMIN, id), { revision: 2, lifecycle: 'running' });
});

t.test('of two changes at once one is made, the other is refused', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const both = await Promise.allSettled([1, 2].map((n) => change(world, id, { variables: { [`V${n}`]: 'x' } })));
  t.same(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  t.equal(Object.keys(world.app.services.detail(ADMIN, id).variables).length, 1);
});

t.test('a host that is away gets the change when it returns; one that was shut out never does', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  host.disconnect();
  const { jobId } = await change(world, id, { variables: { A: '1' } });
  t.equal(world.app.jobs.detail(ADMIN, jobId ?? '').state, 'queued');
  await host.connect(world);
  t.match(await specAfter(host, jobId), { variables: { A: '1' } });
  await host.finish(jobId ?? '');
  await world.app.hosts.revoke(ADMIN, host.id);
  t.equal(await faultCode(change(world, id, { variables: { A: '2' } })), 'no_host');
});

t.test(
  'while a host is away one change waits for it; called off, it stays wanted and goes with the next',
  async (t) => {
    const world = new ControlWorld(t);
    const host = await world.joinAndConnect();
    const id = await world.deployed(host, 'web');
    host.disconnect();
    const first = await change(world, id, { variables: { A: '1' } });
    const refused = await change(world, id, { variables: { B: '2' } }).then(() => undefined, toLongshoreError);
    t.match(refused, { code: 'service_busy', details: `Job ${first.jobId} is under way; wait for it or cancel it.` });
    await world.app.jobs.cancel(ADMIN, first.jobId ?? '');
    t.match(world.app.services.detail(ADMIN, id), { lifecycle: 'running', revision: 2, report: { revision: 1 } });
    const second = await change(world, id, { variables: { B: '2' } });
    await host.connect(world);
    t.match(await specAfter(host, second.jobId), { revision: 3, variables: { A: '1', B: '2' } });
    t.notOk(host.offers().some(({ jobId }) => jobId === first.jobId));
  },
);

t.test('a deploy that fails leaves what is wanted as it was written', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const { jobId } = await change(world, id, { variables: { A: 'bad' } });
  const error = { code: 'unhealthy', message: 'Container "web-1" is unhealthy' };
  await host.finish(jobId ?? '', { state: 'failed', error, failedStep: 'wait', rolledBackTo: 1 }, { revision: 1 });
  t.match(world.app.services.detail(ADMIN, id), { revision: 2, report: { revision: 1 }, variables: { A: 'bad' } });
});

t.test('a service that another may not see cannot be changed', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  t.equal(await faultCode(change(world, id, { displayName: 'x' }, { ...ADMIN, customerId: 'cust_a' })), 'not_found');
});

t.test('over HTTP: 200 with the detail and the job, null without one, strict fields, and once a key', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const path = `/api/services/${id}`;
  const patch = (body: unknown, headers = {}) => http.call('PATCH', path, { key, body, headers });
  t.match(await patch({ display_name: 'Web' }), { status: 200, body: { display_name: 'Web', deploy_job_id: null } });
  const headers = { 'idempotency-key': 'patch-1' };
  const first = await patch({ variables: { A: '1' }, limits: { memory_mb: 64 } }, headers);
  t.match(first, { status: 200, body: { id, revision: 2, status: 'deploying', deploy_job_id: /^job_/ } });
  t.strictSame((await patch({ variables: { A: '1' }, limits: { memory_mb: 64 } }, headers)).body, first.body);
  t.match(await http.error('PATCH', path, { key, body: { name: 'x' } }), { status: 422, fields: { name: /./ } });
  t.match(await http.error('PATCH', path, { key, body: { limits: { cpu: 0 } } }), {
    status: 422,
    fields: { 'limits.cpu': /./ },
  });
  t.match(await http.error('PATCH', path, { key, body: { variables: { B: '1' } } }), {
    status: 409,
    code: 'service_busy',
  });
});

t.test('a change that is sent again when its service is gone gets the answer it had', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const request = { key, body: { display_name: 'Web' }, headers: { 'idempotency-key': 'patch-1' } };
  const first = await http.call('PATCH', `/api/services/${id}`, request);
  const { job } = await world.app.services.remove(ADMIN, id, 0);
  await host.finish(job.id);
  t.strictSame(await http.call('PATCH', `/api/services/${id}`, request).then(({ body }) => body), first.body);
  const { headers: _, ...fresh } = request;
  t.match(await http.error('PATCH', `/api/services/${id}`, fresh), { status: 404, code: 'not_found' });
});

t.test('every change counts as a deploy, for nobody knows which it is before it is read', async (t) => {
  const rateLimits = { anonymous: 100, authenticated: 100, deploy: 2 };
  const { world, http, key } = await startRealHttp(t, { config: { rateLimits } });
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const rename = () => http.call('PATCH', `/api/services/${id}`, { key, body: { display_name: 'x' } });
  t.same([(await rename()).status, (await rename()).status, (await rename()).status], [200, 200, 429]);
});

t.test('A69: an answer to a change shows secrets to those who may read them, also when it is repeated', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', {
    key,
    body: composeBody('web', { variables: { PASSWORD: 'canary-secret' } }),
  });
  await host.finish(made.body.deploy_job_id);
  const { secret: blind } = await world.app.keys.create(ADMIN, { name: 'blind', permissions: ['services.*'] });
  const headers = { 'idempotency-key': 'one-key' };
  const patch = (as: string) =>
    http.call('PATCH', `/api/services/${made.body.id}`, { key: as, headers, body: { category: 'x' } });
  t.match(await patch(key), { status: 200, body: { variables: { PASSWORD: 'canary-secret' } } });
  for (const round of ['first', 'repeated'])
    t.match(await patch(blind), { status: 200, body: { variables: { PASSWORD: '***' } } }, round);
});
