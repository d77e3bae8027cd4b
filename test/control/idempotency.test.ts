import t from 'tap';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';

/** What a route does: the app's method, and an answer made of what it returned. */
const creating = (world: ControlWorld, name: string) => async () => {
  const { service, job } = await world.create(name);
  return { status: 201, body: { id: service.id, deploy_job_id: job.id } };
};
const DAY_MS = 24 * 3600 * 1000;

t.test('the same key and request have one effect and one answer', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const once = () => world.app.idempotency.once(ADMIN, 'k', 'POST web', creating(world, 'web'));
  const first = await once();
  const second = await once();
  t.notOk(first.isReplay);
  t.ok(second.isReplay);
  t.same(second.body, first.body);
  t.equal(world.app.jobs.list(ADMIN, { page: 1, perPage: 9 }).total, 1);
});

t.test('A13: the same key with another request is refused', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  await world.app.idempotency.once(ADMIN, 'k', 'one', creating(world, 'one'));
  t.equal(
    await faultCode(world.app.idempotency.once(ADMIN, 'k', 'two', creating(world, 'two'))),
    'idempotency_mismatch',
  );
  await world.app.idempotency.once({ ...ADMIN, keyId: 'key_other' }, 'k', 'two', creating(world, 'two'));
});

t.test('a request that comes while the first is under way waits for its answer', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const both = [1, 2].map(() => world.app.idempotency.once(ADMIN, 'k', 'f', creating(world, 'web')));
  const [first, second] = await Promise.all(both);
  t.same(first?.body, second?.body);
  t.same([first?.isReplay, second?.isReplay], [false, true]);
});

t.test('F01: after a crash before the effect the retry makes it', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const after = world.crash();
  const answer = await after.app.idempotency.once(ADMIN, 'k', 'f', creating(after, 'web'));
  t.equal(answer.status, 201);
  t.equal(after.app.jobs.list(ADMIN, { page: 1, perPage: 9 }).total, 1);
});

t.test('F01: after a crash between the effect and its answer the retry gets the same job', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  let crashed: ControlWorld | undefined;
  const before = await world.app.idempotency.once(ADMIN, 'k', 'f', async () => {
    const answer = await creating(world, 'web')();
    crashed = world.crash(); // the job is committed, the answer is not
    return answer;
  });
  const after = crashed as ControlWorld;
  const retry = await after.app.idempotency.once(ADMIN, 'k', 'f', creating(after, 'web'));
  t.same(retry.body, before.body);
  t.ok(retry.isReplay);
  t.equal(after.app.jobs.list(ADMIN, { page: 1, perPage: 9 }).total, 1);
  t.equal(await faultCode(after.app.idempotency.once(ADMIN, 'k', 'g', creating(after, 'x'))), 'idempotency_mismatch');
});

t.test('F01: after a crash behind the answer the retry gets the stored one', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  const before = await world.app.idempotency.once(ADMIN, 'k', 'f', creating(world, 'web'));
  const after = world.crash();
  const retry = await after.app.idempotency.once(ADMIN, 'k', 'f', () => {
    throw t.fail('the work ran again');
  });
  t.same(retry.body, before.body);
});

t.test('a key shown once is the same for the retry after a crash', async (t) => {
  const world = new ControlWorld(t);
  const work = (of: ControlWorld) => async () => {
    const { secret } = await of.app.keys.create(ADMIN, { name: 'ci', permissions: ['services.read'] });
    return { status: 201, body: { secret } };
  };
  let crashed: ControlWorld | undefined;
  const before = await world.app.idempotency.once(ADMIN, 'k', 'f', async () => {
    const answer = await work(world)();
    crashed = world.crash();
    return answer;
  });
  const after = crashed as ControlWorld;
  const retry = await after.app.idempotency.once(ADMIN, 'k', 'f', work(after));
  t.same(retry.body, before.body);
  t.equal(after.app.keys.list(ADMIN, { page: 1, perPage: 9 }).total, 1);
});

t.test('work that fails without an effect may be tried again under its key', async (t) => {
  const world = new ControlWorld(t);
  t.equal(await faultCode(world.app.idempotency.once(ADMIN, 'k', 'f', creating(world, 'web'))), 'no_host');
  await world.join();
  t.equal((await world.app.idempotency.once(ADMIN, 'k', 'f', creating(world, 'web'))).status, 201);
});

t.test('an action whose job failed gives the same failure to the retry, and acts once', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const id = await world.deployed(host, 'web');
  const once = () =>
    world.app.idempotency.once(ADMIN, 'k', 'restart', async () => {
      await world.app.services.act(ADMIN, id, 'restart', 60_000);
      return { status: 200, body: null };
    });
  const first = faultCode(once());
  const offer = await eventually(() => host.offers().find(({ kind }) => kind === 'restart'));
  await host.finish(offer?.jobId ?? '', {
    state: 'failed',
    error: { code: 'docker_unavailable', message: 'No Docker' },
  });
  t.equal(await first, 'docker_unavailable');
  t.equal(await faultCode(once()), 'docker_unavailable');
  t.equal(host.offers().filter(({ kind }) => kind === 'restart').length, 1);
});

t.test('a key is forgotten after a day', async (t) => {
  const world = new ControlWorld(t);
  await world.join();
  await world.app.idempotency.once(ADMIN, 'k', 'one', creating(world, 'one'));
  world.clock.advance(DAY_MS + 1);
  const answer = await world.app.idempotency.once(ADMIN, 'k', 'two', creating(world, 'two'));
  t.notOk(answer.isReplay);
});
