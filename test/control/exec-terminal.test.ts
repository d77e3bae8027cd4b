// Programs over a socket: what is typed and printed, what a socket may hold, and every way in which one ends. The same parts
// are real as in exec.test.ts.
import t from 'tap';
import { MAX_EXECS, MAX_EXECS_OF_CUSTOMER } from '../../agent/exec/execs.ts';
import { MAX_SOCKETS_PER_KEY } from '../../control/realtime/client-sockets.ts';
import { IDLE_LIMIT_MS } from '../../control/realtime/exec-socket.ts';
import { encodeExecNews } from '#shared/protocol/exec-frame.ts';
import { ADMIN } from '../support/control-world.ts';
import { eventually } from '../support/eventually.ts';
import { SECRET, startExecWorld } from '../support/exec-world.ts';
import { ManualClock } from '../support/manual-clock.ts';

const textOf = (data: unknown) => Buffer.from(String(data), 'base64').toString();
const toData = (text: string) => Buffer.from(text).toString('base64');

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
