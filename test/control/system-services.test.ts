// What the system says of its own parts: real figures of this process and its file, and what went wrong.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import { PERMISSIONS } from '../../control/app/access/permissions.ts';
import type { Caller } from '../../control/app/api/caller.ts';
import { SYSTEM_PARTS } from '../../control/app/api/system-services.ts';
import { Troubles } from '../../control/app/system/troubles.ts';
import { ADMIN, ControlWorld } from '../support/control-world.ts';
import { ManualClock } from '../support/manual-clock.ts';

const bound = (over: Partial<Caller>): Caller => ({ ...ADMIN, kind: 'key', keyId: 'key_1', ...over });

t.test('figures are those of the process and of its file', async (t) => {
  const world = new ControlWorld(t);
  for (const name of SYSTEM_PARTS) {
    const health = await world.app.system.findHealth(ADMIN, name);
    t.match(health, { name, trouble: null, startedAt: world.clock.now() });
    t.ok((health?.process.memoryBytes ?? 0) > 1e6);
    t.ok((health?.process.cpuPercent ?? -1) >= 0);
    t.ok((health?.database.fileBytes ?? 0) + (health?.database.walBytes ?? 0) > 0);
  }
  t.equal(await world.app.system.findHealth(ADMIN, 'no such part'), undefined);
});

t.test('failed jobs and runs, and what was logged, are there to read', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect();
  const { job } = await world.create('shop', { hostId: host.id });
  await host.finish(job.id, { state: 'failed', error: { code: 'build_failed', message: 'no such file' } }, null);
  const health = await world.app.system.findHealth(ADMIN, 'job_processor');
  t.match(health?.failedJobs, [{ message: new RegExp(`${job.id} .deploy of shop.: no such file`) }]);
  t.match(health, { control: { agentsConnected: 1, jobs: {} }, scheduler: { schedules: 0, enabled: 0 } });
});

t.test('a database that takes no writes is in trouble, and the question still has an answer', async (t) => {
  const world = new ControlWorld(t);
  await world.stores.writer.close();
  for (const { trouble } of await world.app.system.parts(ADMIN)) t.type(trouble, 'string');
});

t.test('whoever is bound sees the agents of its hosts, a customer nothing', async (t) => {
  const world = new ControlWorld(t);
  const host = await world.joinAndConnect({ zone: 'a' }, 'one');
  await world.joinAndConnect({ zone: 'b' }, 'two');
  const { system } = world.app;
  const paging = { page: 1, perPage: 10 };
  t.equal(system.agents(ADMIN, paging).total, 2);

  const ofZone = bound({ hostLabels: { zone: 'a' }, permissions: PERMISSIONS });
  t.strictSame(
    system.agents(ofZone, paging).items.map(({ name }) => name),
    ['one'],
  );
  t.match(system.findAgent(ofZone, host.id)?.events, [{ status: 'connected' }, { status: 'joined' }]);
  const ofCustomer = bound({ customerId: 'cust_1' });
  t.equal(system.agents(ofCustomer, paging).total, 0);
  t.equal(system.findAgent(ofCustomer, host.id), undefined);
  for (const caller of [ofZone, ofCustomer]) {
    t.strictSame(await system.parts(caller), []);
    t.equal(await system.findHealth(caller, 'database'), undefined);
  }
});

t.test('the last warnings and errors are kept, also of a log that writes none of them', async (t) => {
  const clock = new ManualClock();
  const troubles = new Troubles(clock);
  const log = troubles.watch(silentLogger());
  log.info('all is well');
  log.warn({ hostId: 'host_1' }, 'a host is slow');
  log.child({ hostId: 'host_2' }).error({ err: new LongshoreError('storage_full') }, 'could not note it');
  t.strictSame(troubles.list(), [
    {
      level: 'error',
      message: 'could not note it: The disk of the control plane is full',
      code: 'storage_full',
      at: clock.now(),
    },
    { level: 'warning', message: 'a host is slow', code: null, at: clock.now() },
  ]);
  log.error({ err: new TypeError('password hunter2 is wrong') }, 'could not log in');
  t.match(troubles.list()[0], { message: 'could not log in: TypeError', code: null });
  for (let i = 0; i < 200; i++) log.fatal(`trouble ${i}`);
  t.equal(troubles.list().length, 100);
  t.match(troubles.list()[0], { level: 'error', message: 'trouble 199' });
});
