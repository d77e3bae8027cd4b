// Plans as control sees them: what the host is asked, what a plan's id holds a deploy to, what is refused.
import t, { type Test } from 'tap';
import { toLongshoreError } from '#shared/errors.ts';
import type { Params } from '#shared/protocol/schema.ts';
import { requireLivePlan, requireSamePlan, toPlanId } from '../../control/app/deploys/plan-id.ts';
import { ADMIN, COMPOSE, ControlWorld } from '../support/control-world.ts';
import type { FakeHost } from '../support/fake-host.ts';
import { faultCode } from '../support/fault-code.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';
import { sha256 } from '#shared/secrets.ts';

const MINUTE = 60_000;

/** A host that plans, and remembers what it was asked. `state` is what somebody may change on it meanwhile. */
class Planner {
  readonly asked: Params<'service.plan'>[] = [];
  state = 'as it was';
  findings: { path: string; rule: string; message: string }[] = [];

  answerFor(host: FakeHost): void {
    host.answers = { 'service.plan': async (question) => ({ plan: this.#plan(question) }) };
  }

  #plan(question: Params<'service.plan'>) {
    this.asked.push(question);
    const { compose, variables, limits } = question.spec;
    return {
      services: [{ service: 'web', action: 'recreate' as const, reason: 'x', fields: [] }],
      images: [
        { reference: 'busybox:1', services: ['web'], source: 'pull' as const, sizeBytes: null, downloadBytes: 45e6 },
      ],
      ports: [],
      volumes: [],
      downtime: ['web'],
      findings: this.findings,
      preflight: [{ check: 'disk' as const, state: 'ok' as const, message: '1 MiB free' }],
      commit: null,
      digest: sha256(JSON.stringify([compose, variables, limits, question.pull, this.state])),
    };
  }
}

async function scene(t: Test) {
  const world = new ControlWorld(t);
  const host = await world.join();
  const planner = new Planner();
  planner.answerFor(host);
  await host.connect(world);
  const id = await world.deployed(host, 'web', { variables: { TAG: '1', PASSWORD: 'canary' } });
  return { world, host, planner, id };
}

t.test('a plan asks the host for what the change would deploy, and writes nothing', async (t) => {
  const { world, host, planner, id } = await scene(t);
  const before = JSON.stringify([world.app.services.detail(ADMIN, id), world.stores.variables.usersOf('var_x')]);
  const plan = await world.app.deployPlans.planChange(ADMIN, id, { variables: { TAG: '2' } }, undefined);
  t.match(planner.asked, [
    { pull: 'missing', spec: { id, revision: 2, compose: COMPOSE, variables: { TAG: '2', PASSWORD: 'canary' } } },
  ]);
  t.match(plan, { deploys: true, hostId: host.id, downtime: ['web'], planId: /^dp_[0-9a-z]+_[0-9a-f]{40}$/ });
  t.equal(plan.expiresAt, world.clock.now() + 10 * MINUTE);
  t.equal(JSON.stringify([world.app.services.detail(ADMIN, id), world.stores.variables.usersOf('var_x')]), before);
  t.equal(host.offers().length, 1, 'the first deploy is all it was told to do');
});

t.test('an empty plan is of a redeploy; one that reaches no container says so', async (t) => {
  const { world, planner, id } = await scene(t);
  await world.app.deployPlans.planChange(ADMIN, id, {}, undefined);
  await world.app.deployPlans.planChange(ADMIN, id, {}, 'never');
  t.strictSame(
    planner.asked.map(({ pull }) => pull),
    ['always', 'never'],
  );
  t.match(await world.app.deployPlans.planChange(ADMIN, id, { displayName: 'Web' }, undefined), { deploys: false });
  const both = world.app.deployPlans.planChange(ADMIN, id, { displayName: 'x' }, 'never');
  t.match(await both.then(() => undefined, toLongshoreError), { fields: { pull: /leave it out/ } });
});

t.test('a change with the id of its plan is made as long as all is as it was then', async (t) => {
  const { world, host, planner, id } = await scene(t);
  const change = { variables: { TAG: '2' } };
  const { planId } = await world.app.deployPlans.planChange(ADMIN, id, change, undefined);
  const apply = (more: object) => world.app.services.update(ADMIN, id, { ...change, ...more, planId: planId ?? '' });
  t.equal(await faultCode(apply({ variables: { TAG: '3' } })), 'state_conflict', 'another change');
  planner.state = 'somebody stopped a container';
  t.equal(await faultCode(apply({})), 'state_conflict', 'another host');
  planner.state = 'as it was';
  world.clock.advance(10 * MINUTE);
  t.equal(await faultCode(apply({})), 'state_conflict', 'too old');
  t.match(world.app.services.detail(ADMIN, id), { revision: 1, variables: { TAG: '1' } }, 'nothing was changed');
  const again = await world.app.deployPlans.planChange(ADMIN, id, change, undefined);
  const { jobId } = await world.app.services.update(ADMIN, id, { ...change, planId: again.planId ?? '' });
  t.match((await host.offered(jobId ?? '')).spec, { revision: 2, variables: { TAG: '2' } });
  await host.finish(jobId ?? '');
  const late = world.app.services.update(ADMIN, id, { ...change, planId: again.planId ?? '', revision: 1 });
  t.equal(await faultCode(late), 'state_conflict');
});

t.test('a redeploy with the id of its plan is held to it as well', async (t) => {
  const { world, host, planner, id } = await scene(t);
  const { planId } = await world.app.deployPlans.planChange(ADMIN, id, {}, 'missing');
  const redeploy = (pull?: 'missing') => world.app.services.redeploy(ADMIN, id, { pull, planId: planId ?? '' });
  t.equal(await faultCode(redeploy()), 'state_conflict', 'other images would be looked for');
  planner.state = 'moved on';
  t.equal(await faultCode(redeploy('missing')), 'state_conflict');
  planner.state = 'as it was';
  const { job } = await redeploy('missing');
  t.match(await host.offered(job.id), { kind: 'redeploy', pull: 'missing' });
});

t.test('nobody plans for a busy service, a suspended customer or a host that is away', async (t) => {
  const { world, host, id } = await scene(t);
  const plan = () => world.app.deployPlans.planChange(ADMIN, id, {}, undefined);
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  t.equal(await faultCode(plan()), 'service_busy');
  await host.finish(job.id);
  t.equal(
    await faultCode(world.app.deployPlans.planChange({ ...ADMIN, customerId: 'c' }, id, {}, undefined)),
    'not_found',
  );
  const customerId = await world.customer('acme');
  const theirs = await world.deployed(host, 'theirs', { customerId });
  await world.app.customers.suspend(ADMIN, customerId);
  t.equal(await faultCode(world.app.deployPlans.planChange(ADMIN, theirs, {}, undefined)), 'customer_suspended');
  host.disconnect();
  t.equal(await faultCode(plan()), 'host_offline');
});

t.test('what the policy refuses is listed, by whichever side; everything else is thrown', async (t) => {
  const { world, planner, id } = await scene(t);
  planner.findings = [{ path: 'services.web.ports[0]', rule: 'deniedPorts', message: 'of this host' }];
  const compose = 'services: {web: {image: "busybox:1", ports: ["8080:80"]}}';
  const { findings } = await world.app.deployPlans.planChange(ADMIN, id, { compose }, undefined);
  t.strictSame(
    findings.map(({ rule, message }) => `${rule}: ${message}`),
    ['reserved: port 8080 belongs to Longshore', 'deniedPorts: of this host'],
  );
  const broken = world.app.deployPlans.planChange(ADMIN, id, { compose: 'services: [' }, undefined);
  t.equal(await faultCode(broken), 'compose_invalid');
  t.equal(world.app.services.detail(ADMIN, id).compose, COMPOSE);
});

t.test('a service that is not there yet is planned with what it would get, and is not there afterwards', async (t) => {
  const { world, host, planner } = await scene(t);
  const source = { method: 'compose' as const, compose: COMPOSE };
  const customerId = await world.customer('acme', { services: 2, memoryMb: 512 });
  const input = { name: 'new', source, customerId, hostId: host.id, variables: { A: '1' } };
  const plan = await world.app.deployPlans.planNew(ADMIN, input);
  t.match(plan, { planId: null, expiresAt: null, hostId: host.id, deploys: true });
  t.match(planner.asked[0]?.spec, {
    name: 'new',
    revision: 1,
    customerId,
    limits: { memoryMb: 256 },
    variables: { A: '1' },
  });
  t.equal(
    await faultCode(world.app.deployPlans.planNew(ADMIN, { name: 'web', source, hostId: host.id })),
    'name_taken',
  );
  const page = { page: 1, perPage: 10, sort: 'name' as const, order: 'asc' as const };
  t.strictSame(
    world.app.services.list(ADMIN, page).items.map(({ name }) => name),
    ['web'],
  );
});

t.test('the id of a plan says how long it counts, and nothing else passes for one', async (t) => {
  const digest = 'a'.repeat(64);
  const planId = toPlanId(digest, 5000);
  t.strictSame(requireLivePlan(planId, 4999), { digest: 'a'.repeat(40) });
  t.throws(() => requireLivePlan(planId, 5000), { code: 'state_conflict' });
  for (const text of ['', 'dp_', 'plan_abc', `${planId}0`, `dp_zz_${'g'.repeat(40)}`])
    t.throws(() => requireLivePlan(text, 0), { code: 'validation_error', fields: { plan_id: 'Not the id of a plan' } });
  t.doesNotThrow(() => requireSamePlan('a'.repeat(40), digest));
  t.throws(() => requireSamePlan('b'.repeat(40), digest), { code: 'state_conflict' });
});

t.test('over HTTP: a plan, then its change, once a key also when the host has moved on since', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.join();
  const planner = new Planner();
  planner.answerFor(host);
  await host.connect(world);
  const created = await http.call('POST', '/api/services/plan', { key, body: composeBody('web') });
  t.match(created, { status: 200, body: { plan_id: null, would_start: true, services: [{ service: 'web' }] } });
  const id = await world.deployed(host, 'web');
  const path = `/api/services/${id}`;
  const body = { variables: { TAG: '2' } };
  const plan = await http.call<{ plan_id: string }>('POST', `${path}/plan`, { key, body });
  t.match(plan, {
    status: 200,
    body: {
      plan_id: /^dp_/,
      deploys: true,
      downtime: { strategy: 'stop_first', services: ['web'] },
      images: [{ reference: 'busybox:1', source: 'pull', size_bytes: null, download_bytes: 45e6 }],
      would_start: true,
    },
  });
  const patch = { key, headers: { 'idempotency-key': 'apply' }, body: { ...body, plan_id: plan.body.plan_id } };
  const first = await http.call('PATCH', path, patch);
  t.match(first, { status: 200, body: { revision: 2, deploy_job_id: /^job_/ } });
  planner.state = 'moved on';
  t.strictSame((await http.call('PATCH', path, patch)).body, first.body);
  t.match(await http.error('POST', `${path}/plan`, { key, body: { plan_id: 'x' } }), {
    status: 422,
    fields: { plan_id: 'Unknown field' },
  });
  t.match(await http.call('POST', `${path}/plan`, { key }), { status: 409, body: { error: { code: 'service_busy' } } });
});
