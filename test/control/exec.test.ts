// Programs in containers through the API, over the real app and the real part of the agent: who may, what is told, what is
// kept, and how they end. Docker itself: test/e2e/exec.test.ts.
import t from 'tap';
import { MAX_EXECS, MAX_EXECS_OF_CUSTOMER } from '../../agent/exec/execs.ts';
import { MAX_SOCKETS_PER_KEY } from '../../control/realtime/client-sockets.ts';
import { IDLE_LIMIT_MS } from '../../control/realtime/exec-socket.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import { encodeExecNews } from '#shared/protocol/exec-frame.ts';
import { EXEC_LIMITS } from '#shared/protocol/exec-parts.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { SECRET, startExecWorld } from '../support/exec-world.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { openSession } from '../support/person.ts';

const textOf = (data: unknown) => Buffer.from(String(data), 'base64').toString();
const toData = (text: string) => Buffer.from(text).toString('base64');

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

t.test('a terminal: what is typed goes in, what is printed comes out, and the exit code at the end', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start({ command: ['sh', SECRET], cols: 99, rows: 33 });
  t.match(await socket.untilType('exec.started'), { container: 'shop-web-1', service: 'web' });
  const program = await exec.program();
  socket.say({ type: 'exec.resize', cols: 120, rows: 40 });
  for (const word of ['one ', 'two ', SECRET]) socket.say({ type: 'exec.input', data: toData(word) });
  const shown = () => socket.messages.filter(({ type }) => type === 'exec.output').map(({ data }) => textOf(data));
  await eventually(() => shown().join(''), { until: (text) => text === 'one two ***' });
  t.same(program.sizes, [
    { columns: 99, rows: 33 },
    { columns: 120, rows: 40 },
  ]);
  program.exit(3);
  t.match(await socket.untilType('exec.exit'), { exit_code: 3, left_running: false });
  t.match(await socket.closed, { code: 1000 });
  t.match(exec.rows(), [
    { action: 'services.exec', method: 'GET', detail: { command: ['sh', '***'], terminal: true } },
    { action: 'services.exec.ended', detail: { exit_code: 3 } },
  ]);
});

t.test('without a terminal stderr is apart, and input has an end', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start({ command: ['cat'], tty: false });
  const program = await exec.program();
  t.equal(program.options.terminal, undefined);
  program.print('careful', 'stderr');
  t.match(await socket.untilType('exec.output'), { stream: 'stderr', data: toData('careful') });
  const large = 'x'.repeat(200_000);
  socket.say({ type: 'exec.input', data: toData(large), end: true });
  t.match(await socket.untilType('exec.exit'), { exit_code: 0 });
  const stdout = socket.messages.filter(({ stream }) => stream === 'stdout').map(({ data }) => textOf(data));
  t.equal(stdout.join(''), large);
});

t.test('a client that does not read holds up its program, and misses nothing', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  await socket.untilType('exec.started');
  const program = await exec.program();
  socket.ws.pause();
  const [pieces, bytes] = [400, 100_000];
  for (let i = 0; i < pieces; i++) program.print('x'.repeat(bytes));
  let last = -1;
  await eventually(() => {
    const isHeldUp = program.unreadBytes > 0 && program.unreadBytes === last;
    last = program.unreadBytes;
    return isHeldUp;
  });
  t.equal((await exec.post({ command: ['true'] })).status, 200, 'nobody else waits');
  socket.ws.resume();
  program.exit(0);
  await socket.untilType('exec.exit');
  const shown = socket.messages.reduce((sum, { data }) => sum + textOf(data ?? '').length, 0);
  t.equal(shown, pieces * bytes);
});

t.test('typing fast is not a flood', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  for (let i = 0; i < 500; i++) socket.say({ type: 'exec.input', data: toData('.') });
  const count = () => socket.messages.map(({ data }) => textOf(data ?? '').length).reduce((sum, n) => sum + n, 0);
  await eventually(count, { until: (typed) => typed === 500 });
});

t.test('what makes no sense ends the socket with the reason', async (t) => {
  const exec = await startExecWorld(t);
  const first = await exec.start({ type: 'exec.resize', cols: 1, rows: 1 });
  t.match(await first.untilType('error'), { error: { code: 'bad_request', details: /exec\.start/ } });
  t.match(await first.closed, { code: 1011, reason: 'bad_request' });
  const empty = await exec.start({ command: [] });
  t.match(await empty.untilType('error'), { error: { code: 'validation_error', fields: { command: /./ } } });
  for (const nonsense of [
    { type: 'exec.input', data: '***' },
    { type: 'exec.resize', cols: 0, rows: 1 },
    { type: 'x' },
  ]) {
    const socket = await exec.start();
    await socket.untilType('exec.started');
    socket.say(nonsense);
    t.match(await socket.closed, { code: 1011, reason: nonsense.type === 'x' ? 'bad_request' : 'validation_error' });
  }
  await eventually(() => exec.engine.execs.every(({ isDetached }) => isDetached));
  t.match(await exec.real.http.error('GET', exec.path, { key: exec.real.key }), {
    status: 400,
    message: 'Connect here with a WebSocket',
  });
});

t.test('A32: over the limit: sockets of one key, programs of one host', async (t) => {
  const exec = await startExecWorld(t);
  const sockets = await Promise.all(Array.from({ length: MAX_SOCKETS_PER_KEY }, () => exec.start()));
  for (const socket of sockets) await socket.untilType('exec.started');
  const { http, key } = exec.real;
  t.match(await http.socket(exec.path, { key }).opened, { status: 429, body: { error: { code: 'too_many_sockets' } } });
  const commands = Array.from({ length: MAX_EXECS - MAX_SOCKETS_PER_KEY }, () => exec.post({ command: ['sleep'] }));
  await exec.program(MAX_EXECS);
  t.match((await exec.post({ command: ['true'] })).body['error'], { code: 'unavailable' });
  for (const program of exec.engine.execs) program.exit(0);
  t.ok((await Promise.all(commands)).every(({ status }) => status === 200));
  for (const socket of sockets) t.match(await socket.closed, { code: 1000 });
  t.equal((await exec.post({ command: ['true'] })).status, 200, 'there is room again');
});

t.test('A32: a customer keeps nobody else out: programs of one customer on a host', async (t) => {
  const exec = await startExecWorld(t, { customer: 'Acme' });
  const commands = Array.from({ length: MAX_EXECS_OF_CUSTOMER }, () => exec.post({ command: ['sleep'] }));
  await exec.program(MAX_EXECS_OF_CUSTOMER);
  t.match((await exec.post({ command: ['true'] })).body['error'], {
    code: 'unavailable',
    message: /for this customer/,
  });
  for (const program of exec.engine.execs) program.exit(0);
  await Promise.all(commands);
  t.equal((await exec.post({ command: ['true'] })).status, 200, 'there is room again');
});

t.test('a client that vanishes lets go of its program', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  await socket.untilType('exec.started');
  const program = await exec.program();
  socket.ws.terminate();
  await eventually(() => program.isDetached);
  await eventually(() => exec.rows().at(-1)?.action === 'services.exec.ended');
  t.match(exec.rows().at(-1)?.detail, { exit_code: null });
});

t.test('a client that leaves while its program starts leaves nothing behind', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  socket.ws.terminate();
  await eventually(() => exec.engine.execs.every(({ isDetached }) => isDetached));
  await eventually(() => exec.rows().length % 2 === 0);
});

t.test('a host that vanishes is told, with a close that invites another try', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  await socket.untilType('exec.started');
  const program = await exec.program();
  exec.host.disconnect();
  t.match(await socket.untilType('error'), { error: { code: 'host_offline' } });
  t.match(await socket.closed, { code: 1013 });
  await eventually(() => program.isDetached);
});

t.test('a host that tells no end is not waited for', async (t) => {
  const exec = await startExecWorld(t);
  exec.host.streams = {
    exec: async (_request, writer, opened) => {
      opened();
      await writer.write(encodeExecNews({ kind: 'started', container: 'shop-web-1', service: 'web', command: ['sh'] }));
    },
  };
  await exec.host.connect(exec.real.world);
  const socket = await exec.start();
  t.match(await socket.untilType('error'), { error: { code: 'protocol_violation' } });
  t.match(await socket.closed, { code: 1011 });
  t.match((await exec.post({ command: ['true'] })).body['error'], { code: 'protocol_violation' });
});

t.test('a key that is revoked loses its terminal', async (t) => {
  const exec = await startExecWorld(t);
  const { app } = exec.real.world;
  const { key, secret } = await app.keys.create(ADMIN, { name: 'gone', permissions: ['services.exec'] });
  const socket = exec.real.http.socket(exec.path, { key: secret });
  await socket.opened;
  socket.say({ type: 'exec.start', command: ['sleep'] });
  const program = await exec.program();
  await app.keys.revoke(ADMIN, key.id);
  t.match(await socket.closed, { code: 4401 });
  await eventually(() => program.isDetached);
});

t.test('what comes of a revoked key while its socket closes is not heard', async (t) => {
  const exec = await startExecWorld(t);
  const { app } = exec.real.world;
  const { key, secret } = await app.keys.create(ADMIN, { name: 'gone', permissions: ['services.exec'] });
  const socket = exec.real.http.socket(exec.path, { key: secret });
  await socket.opened;
  socket.ws.pause(); // it has not heard of the close yet
  await app.keys.revoke(ADMIN, key.id);
  socket.say({ type: 'exec.start', command: ['sleep'] });
  await exec.post({ command: ['true'] });
  socket.ws.resume();
  t.match(await socket.closed, { code: 4401 });
  t.equal(exec.engine.execs.length, 1, 'the one of another key');
});

t.test('a control plane that stops ends its terminals', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  const program = await exec.program();
  await exec.real.http.stop();
  t.match(await socket.closed, { code: 1012 });
  await eventually(() => program.isDetached);
});

t.test('an agent that stops lets go of every program', async (t) => {
  const exec = await startExecWorld(t);
  const socket = await exec.start();
  const program = await exec.program();
  await exec.execs.close();
  t.ok(program.isDetached);
  t.match(await socket.untilType('exec.exit'), { exit_code: null });
});

t.test('a terminal that nobody uses closes after 15 minutes, one that never starts after 10 seconds', async (t) => {
  const clock = new ManualClock();
  const exec = await startExecWorld(t, { http: { deps: { clock } } });
  const silent = exec.real.http.socket(exec.path, { key: exec.real.key });
  await silent.opened;
  const used = await exec.start();
  await used.untilType('exec.started');
  await eventually(() => {
    clock.advance(10_000);
    return silent.ws.readyState !== silent.ws.OPEN;
  });
  t.match(await silent.closed, { code: 4408, reason: 'no exec.start' });
  t.equal(used.ws.readyState, used.ws.OPEN);
  const startedAt = clock.now();
  await eventually(() => {
    clock.advance(25_000); // less than a ping's interval, so that the client is seen to live
    return used.ws.readyState !== used.ws.OPEN;
  });
  t.ok(clock.now() - startedAt >= IDLE_LIMIT_MS);
  t.match(await used.closed, { code: 4408, reason: 'idle' });
});
