// A customer's services are held to its plan: counts, shares, and what its host is told, over the real app and store.
import t, { type Test } from 'tap';
import type { PlanLimits } from '../../control/store/customer-records.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { faultCode } from '../support/fault-code.ts';
import { composeBody, startRealHttp } from '../support/real-http.ts';

async function start(t: Test, limits: Partial<PlanLimits>) {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const customerId = await world.customer('Acme', limits);
  const planId = world.app.customers.detail(ADMIN, customerId).planId ?? '';
  return { world, host, customerId, planId };
}

t.test('a service beyond the number of its plan is refused by name, numbers and way out', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const customer_id = await world.customer('Acme', { services: 1 });
  t.equal((await http.call('POST', '/api/services', { key, body: composeBody('a', { customer_id }) })).status, 201);
  t.match(await http.error('POST', '/api/services', { key, body: composeBody('b', { customer_id }) }), {
    status: 409,
    code: 'plan_limit',
    message: 'Plan "plan of Acme" limits services to 1: the customer has 1',
    details: 'Delete a service, or move the customer to a larger plan.',
  });
  t.equal(
    (await http.call('POST', '/api/services', { key, body: composeBody('b') })).status,
    201,
    'without a customer',
  );
});

t.test('limits are asked for on create; a field that is none is a 422', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  const limits = { cpu: 0.5, memory_mb: 256 };
  const made = await http.call<{ deploy_job_id: string }>('POST', '/api/services', {
    key,
    body: composeBody('web', { limits }),
  });
  const { spec } = await host.offered(made.body.deploy_job_id);
  t.strictSame(spec?.limits, { cpu: 0.5, memoryMb: 256 }, 'an operator service takes what it asks for');
  const wrong = composeBody('web', { limits: { cpu: -1, memory_mb: 5, disk: 1 } });
  t.match(await http.error('POST', '/api/services', { key, body: wrong }), {
    status: 422,
    fields: { 'limits.cpu': String, 'limits.memory_mb': String, 'limits.disk': 'Unknown field' },
  });
});

t.test('services share a plan, and their host is told how much each gets', async (t) => {
  const { world, host, customerId } = await start(t, { services: 4, cpu: 2, memoryMb: 1024 });
  const { job } = await world.create('a', { customerId });
  t.strictSame((await host.offered(job.id)).spec?.limits, { cpu: 0.5, memoryMb: 256 });
  const big = await world.create('b', { customerId, limits: { cpu: 1.5 } });
  t.strictSame((await host.offered(big.job.id)).spec?.limits, { cpu: 1.5, memoryMb: 256 });
  t.equal(await faultCode(world.create('c', { customerId })), 'plan_limit', 'no cpu is left for a share');
  t.match(world.app.customers.detail(ADMIN, customerId).usage, { services: 2, cpu: 2, memoryMb: 512 });
});

t.test('of two that ask at once for the last place one gets it', async (t) => {
  const { world, customerId } = await start(t, { services: 1 });
  const codes = await Promise.all(['a', 'b'].map((name) => faultCode(world.create(name, { customerId }))));
  t.same(codes.toSorted(), ['nothing', 'plan_limit']);
});

t.test('of two that ask at once for more memory together than there is one gets it', async (t) => {
  const { world, customerId } = await start(t, { memoryMb: 512 });
  const limits = { memoryMb: 300 };
  const codes = await Promise.all(['a', 'b'].map((name) => faultCode(world.create(name, { customerId, limits }))));
  t.same(codes.toSorted(), ['nothing', 'plan_limit']);
});

t.test('a deleted service gives back what it held', async (t) => {
  const { world, host, customerId } = await start(t, { services: 1, memoryMb: 64 });
  const id = await world.deployed(host, 'a', { customerId });
  const { job } = await world.app.services.remove(ADMIN, id, 0);
  t.equal(await faultCode(world.create('b', { customerId })), 'plan_limit', 'not before it is gone');
  await host.finish(job.id, {}, null);
  t.match((await world.create('b', { customerId })).service.limits, { memoryMb: 64 });
});

t.test('a new plan counts from the next deploy on, and touches nothing that runs', async (t) => {
  const { world, host, customerId, planId } = await start(t, {});
  const id = await world.deployed(host, 'a', { customerId });
  await world.app.plans.update(ADMIN, planId, { limits: { services: 2, cpu: 1, memoryMb: 128 } });
  t.strictSame(world.app.services.require(ADMIN, id).limits, { cpu: null, memoryMb: null });
  const { job } = await world.app.services.redeploy(ADMIN, id, {});
  t.strictSame((await host.offered(job.id)).spec?.limits, { cpu: 0.5, memoryMb: 64 });
  await host.finish(job.id);
  await world.app.plans.update(ADMIN, planId, { limits: { services: 1, cpu: 0.1 } });
  const again = await world.app.services.redeploy(ADMIN, id, {});
  t.strictSame((await host.offered(again.job.id)).spec?.limits, { cpu: 0.5, memoryMb: 64 }, 'it keeps what it holds');
});

t.test('full volumes allow no new service and no redeploy until there is room', async (t) => {
  const { world, host, customerId } = await start(t, { storageMb: 100 });
  const id = await world.deployed(host, 'a', { customerId });
  const measure = (mb: number | null) =>
    world.parts.usage.put(host.id, [
      {
        serviceId: id,
        cpuCores: null,
        memoryBytes: null,
        cpuLimitCores: null,
        memoryLimitBytes: null,
        storageBytes: mb === null ? null : mb * 1024 ** 2,
        lastCheckAt: null,
        consecutiveFailures: null,
        at: 0,
      },
    ]);
  measure(100);
  t.equal(world.app.customers.detail(ADMIN, customerId).usage.storageMb, 100);
  t.equal(await faultCode(world.create('b', { customerId })), 'plan_limit');
  t.equal(await faultCode(world.app.services.redeploy(ADMIN, id, {})), 'plan_limit');
  measure(null);
  t.equal(world.app.customers.detail(ADMIN, customerId).usage.storageMb, null, 'not known is not zero');
  measure(99);
  await world.app.services.redeploy(ADMIN, id, {});
  t.ok(await world.create('b', { customerId }));
});
