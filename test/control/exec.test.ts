// Programs in containers through the API, over the real app and the real part of the agent: who may, what is told, what is
// kept, and how they end. Docker itself: test/e2e/exec.test.ts.
import t from 'tap';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import { EXEC_LIMITS } from '#shared/protocol/exec-parts.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { SECRET, startExecWorld } from '../support/exec-world.ts';
import { openSession } from '../support/person.ts';

t.test('a command is answered with its output, its exit code and where it ran', async (t) => {
  const exec = await startExecWorld(t);
  const { status, body } = await exec.post({ command: ['echo', 'hello', SECRET], user: 'app', env: { A: 'b' } });
  t.equal(status, 200);
  t.match(body, {
    container: 'shop-web-1',
    service: 'web',
    exit_code: 0,
    stdout: 'hello ***\n',
    stderr: '',
    truncated: false,
    timed_out: false,
    left_running: false,
    duration_ms: Number,
  });
  t.match(exec.engine.execs[0]?.options, { command: ['echo', 'hello', SECRET], user: 'app', env: { A: 'b' } });
  t.match((await exec.post({ command: ['false'] })).body, { exit_code: 1 });
});

t.test('A16, A18: refused before anything runs: no key, no permission, not its service', async (t) => {
  const exec = await startExecWorld(t);
  const { real, path } = exec;
  const keyFor = async (input: object) =>
    (await real.world.app.keys.create(ADMIN, { name: 'k', permissions: ['services.exec'], ...input })).secret;
  const customerId = await real.world.customer('other');
  const cases = [
    { key: null, status: 401, code: 'unauthorized' },
    {
      key: await keyFor({ permissions: ['services.read', 'services.logs'] }),
      status: 403,
      code: 'forbidden',
    },
    { key: await keyFor({ customerId }), status: 404, code: 'not_found' },
    { key: await keyFor({ hostLabels: { zone: 'moon' } }), status: 404, code: 'not_found' },
  ];
  for (const { key, status, code } of cases) {
    const body = { command: ['true'] };
    t.match(await real.http.error('POST', path, { key, body }), { status, code });
    t.match(await real.http.socket(path, { key }).opened, { status, body: { error: { code } } });
  }
  t.same(exec.engine.execs, []);
  t.equal((await exec.post({ command: ['true'] }, {}, await keyFor({}))).status, 200, 'that permission is enough');
});

t.test("A28: another page cannot open a terminal with somebody's cookie", async (t) => {
  const exec = await startExecWorld(t);
  const person = await openSession(exec.real.world, exec.real.http);
  const foreign = person.socket(exec.path, { origin: 'https://evil.example' });
  t.match(await foreign.opened, { status: 403, body: { error: { code: 'csrf' } } });
  t.match(await person.socket(exec.path, {}).opened, { status: 403 }, 'nor one that does not say where it is from');
  t.equal(await person.socket(exec.path, { origin: exec.real.http.url }).opened, true);
  t.same(exec.engine.execs, []);
});

t.test("the host's policy has the last word", async (t) => {
  const { operator, tenant } = DEFAULT_POLICY;
  const closed = await startExecWorld(t, { policy: { tenant, operator: { ...operator, exec: false } } });
  const denied = { code: 'exec_denied', details: /operator.exec is false/ };
  const { status, body } = await closed.post({ command: ['true'] });
  t.equal(status, 403);
  t.match(body['error'], denied);
  const socket = await closed.start();
  t.match(await socket.untilType('error'), { error: denied });
  t.match(await socket.closed, { code: 1011, reason: 'exec_denied' });
  t.same(closed.engine.execs, []);
  t.match(closed.rows(), [{ action: 'services.exec', result: 'refused', code: 'exec_denied', detail: null }]);
  const noTenants = { operator, tenant: { ...tenant, exec: false } };
  const theirs = await startExecWorld(t, { policy: noTenants, customer: 'Acme' });
  t.match((await theirs.post({ command: ['true'] })).body['error'], { ...denied, details: /tenant.exec is false/ });
  t.equal((await (await startExecWorld(t, { policy: noTenants })).post({ command: ['true'] })).status, 200);
});

t.test('not for a suspended customer, and not on a host that is away', async (t) => {
  const exec = await startExecWorld(t);
  const { world } = exec.real;
  const customerId = await world.customer('acme');
  const theirs = await world.deployed(exec.host, 'theirs', { customerId });
  await world.app.customers.suspend(ADMIN, customerId);
  const path = `/api/services/${theirs}/exec`;
  const { key } = exec.real;
  const refused = () => exec.real.http.error('POST', path, { key, body: { command: ['true'] } });
  t.match(await refused(), { status: 409, code: 'customer_suspended' });
  exec.host.disconnect();
  t.match((await exec.post({ command: ['true'] })).body['error'], { code: 'host_offline' });
});

t.test('no program runs in what stands under the name of a service and is not its own', async (t) => {
  const exec = await startExecWorld(t);
  exec.addContainer('db', 'svc_of_another');
  t.match((await exec.post({ command: ['true'] })).body, { container: 'shop-web-1' });
  t.equal((await exec.post({ command: ['true'], service: 'db' })).status, 422);
  t.equal((await exec.post({ command: ['true'], container: 'shop-db-1' })).status, 422);
});

t.test('what cannot be run is a 422 that names the field', async (t) => {
  const exec = await startExecWorld(t);
  exec.addContainer('db');
  const cases: [object, string][] = [
    [{}, 'command'],
    [{ command: [] }, 'command'],
    [{ command: [''] }, 'command'],
    [{ command: 'ls -l' }, 'command'],
    [{ command: ['a\0b'] }, 'command.0'],
    [{ command: ['x'.repeat(70_000), 'x'.repeat(70_000)] }, 'command'],
    [{ command: ['true'], env: { 'A=B': '1' } }, 'env.A=B'],
    [{ command: ['true'], working_dir: 'here' }, 'working_dir'],
    [{ command: ['true'], timeout_s: 61 }, 'timeout_s'],
    [{ command: ['true'] }, 'service'],
    [{ command: ['true'], service: 'mail' }, 'service'],
  ];
  for (const [body, field] of cases) {
    const { status, body: answer } = await exec.post(body);
    t.equal(status, 422, JSON.stringify(body).slice(0, 60));
    t.match(Object.keys((answer['error'] as { fields?: object }).fields ?? {}), [field]);
  }
  t.same(exec.engine.execs, []);
});

t.test('the audit log: who ran what where, and how it ended; never what it printed', async (t) => {
  const exec = await startExecWorld(t);
  await exec.post({ command: ['echo', 'printed', SECRET], env: { PASSWORD: 'given' } });
  const [start, end, ...others] = exec.rows();
  t.same(others, []);
  t.match(start, {
    action: 'services.exec',
    actorName: 'admin',
    targetId: exec.serviceId,
    hostId: exec.host.id,
    fields: ['command', 'env'],
    detail: { container: 'shop-web-1', command: ['echo', 'printed', '***'], env: ['PASSWORD'], terminal: false },
  });
  t.match(end, {
    action: 'services.exec.ended',
    actorName: 'admin',
    detail: { exit_code: 0, container: 'shop-web-1' },
  });
  t.notMatch(JSON.stringify([start, end]), new RegExp(`${SECRET}|given`));
});

t.test('it is on record before it starts, so that a crash leaves nothing that ran without a trace', async (t) => {
  const exec = await startExecWorld(t);
  const { engine } = exec;
  const onRecord: unknown[] = [];
  const startExec = engine.startExec.bind(engine);
  engine.startExec = (...of) => {
    onRecord.push(exec.rows().at(-1)?.action);
    return startExec(...of);
  };
  t.equal((await exec.post({ command: ['true'] }, { 'idempotency-key': 'a' })).status, 200);
  await (await exec.start({ command: ['true'] })).untilType('exec.exit');
  t.same(onRecord, ['services.exec', 'services.exec']);
});

t.test('one that Docker cannot start has both rows, and the error of Docker', async (t) => {
  const exec = await startExecWorld(t);
  exec.engine.startExec = () => Promise.reject(new LongshoreError('docker_error', { details: 'no such user' }));
  t.match((await exec.post({ command: ['true'] })).body['error'], { code: 'docker_error', details: 'no such user' });
  t.match(await (await exec.start()).untilType('error'), { error: { code: 'docker_error' } });
  await eventually(() => exec.rows().length === 4);
  t.match(exec.rows().at(-1), { action: 'services.exec.ended', detail: { exit_code: null } });
});

t.test('the longest command there may be', async (t) => {
  const exec = await startExecWorld(t);
  const longest = 'x'.repeat(EXEC_LIMITS.argumentsBytes - 'true'.length);
  t.match(await exec.post({ command: ['true', longest] }), { status: 200, body: { exit_code: 0 } });
});

t.test('an Idempotency-Key runs it once; without an answer nobody runs it again', async (t) => {
  const exec = await startExecWorld(t);
  const key = { 'idempotency-key': 'once' };
  const first = await exec.post({ command: ['echo', 'a'] }, key);
  const second = await exec.post({ command: ['echo', 'a'] }, key);
  t.same([second.body, second.headers.get('idempotency-replayed')], [first.body, 'true']);
  t.equal(exec.engine.execs.length, 1);

  const lost = { 'idempotency-key': 'lost' };
  const asked = exec.post({ command: ['sleep'] }, lost);
  await exec.program(2);
  exec.host.disconnect();
  t.match((await asked).body['error'], { code: 'host_offline' });
  await exec.host.connect(exec.real.world);
  const again = await exec.post({ command: ['sleep'] }, lost);
  t.match([again.status, again.body['error']], [409, { code: 'interrupted', details: /exe_/ }]);
  t.equal(exec.engine.execs.length, 2);
});

t.test('past its time it is let go, and the answer says what it left behind', async (t) => {
  const exec = await startExecWorld(t);
  const asked = exec.post({ command: ['sleep'], timeout_s: 1 });
  (await exec.program()).print('begun');
  const { body } = await asked;
  t.match(body, { exit_code: null, timed_out: true, left_running: true, stdout: 'begun' });
  t.match(exec.rows().at(-1)?.detail, { timed_out: true, left_running: true });
});

t.test('output past 1 MiB is dropped, and the program is read to its end', async (t) => {
  const exec = await startExecWorld(t);
  const asked = exec.post({ command: ['sleep'] });
  const program = await exec.program();
  for (let i = 0; i < 40; i++) program.print('x'.repeat(50_000), i % 2 === 0 ? 'stdout' : 'stderr');
  program.exit(4);
  const { body } = await asked;
  t.match(body, { exit_code: 4, truncated: true });
  t.equal(String(body['stdout']).length + String(body['stderr']).length, 1024 * 1024);
});
