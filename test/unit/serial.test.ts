import t from 'tap';
import { Serial } from '../../shared/serial.ts';

/** A task that reports when it starts and ends when told to. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

t.test('tasks of a key run one at a time, in the order they were added', async (t) => {
  const serial = new Serial();
  const trace: string[] = [];
  const work = (name: string) => async () => {
    trace.push(`${name} starts`);
    await Promise.resolve();
    trace.push(`${name} ends`);
  };
  await Promise.all(['a', 'b', 'c'].map((name) => serial.run('web', work(name))));
  t.same(trace, ['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
});

t.test('tasks of different keys do not wait for each other', async (t) => {
  const serial = new Serial();
  const slow = gate();
  const first = serial.run('web', () => slow.opened);
  t.equal(await serial.run('db', () => Promise.resolve('db is done')), 'db is done');
  slow.open();
  await first;
});

t.test('a task that fails gives its error and lets the next one run', async (t) => {
  const serial = new Serial();
  const failing = serial.run('web', () => Promise.reject(new TypeError('no')));
  const next = serial.run('web', () => Promise.resolve(1));
  await t.rejects(failing, { name: 'TypeError', message: 'no' });
  t.equal(await next, 1);
});

t.test('a task that throws before its first await behaves like one that rejects', async (t) => {
  const serial = new Serial();
  const failing = serial.run('web', async () => {
    throw new TypeError('at once');
  });
  await t.rejects(failing, { message: 'at once' });
  t.equal(serial.depth('web'), 0);
});

t.test('a task aborted while it waits leaves the queue with the reason', async (t) => {
  const serial = new Serial();
  const slow = gate();
  const abort = new AbortController();
  let ran = false;
  const first = serial.run('web', () => slow.opened);
  const second = serial.run('web', async () => void (ran = true), abort.signal);
  const third = serial.run('web', () => Promise.resolve('third'));
  t.equal(serial.depth('web'), 3);
  abort.abort(new RangeError('not wanted'));
  await t.rejects(second, { name: 'RangeError' });
  t.equal(serial.depth('web'), 2);
  slow.open();
  await first;
  t.equal(await third, 'third');
  t.equal(ran, false, 'it never started');
});

t.test('a task aborted before it is added never starts', async (t) => {
  const serial = new Serial();
  const never = () => Promise.reject(new TypeError('started'));
  await t.rejects(serial.run('web', never, AbortSignal.abort(new RangeError('gone'))), { name: 'RangeError' });
  t.ok(serial.isIdle);
});

t.test('a running task is told of the abort and keeps its place until it returns', async (t) => {
  const serial = new Serial();
  const abort = new AbortController();
  const slow = gate();
  const trace: string[] = [];
  const first = serial.run(
    'web',
    async (signal) => {
      signal.addEventListener('abort', () => trace.push('told'));
      await slow.opened;
      trace.push('first ends');
    },
    abort.signal,
  );
  const second = serial.run('web', async () => void trace.push('second'));
  abort.abort(new RangeError('stop'));
  slow.open();
  await Promise.all([first, second]);
  t.same(trace, ['told', 'first ends', 'second']);
});

t.test('idle waits for everything queued, and a key is forgotten once it is empty', async (t) => {
  const serial = new Serial();
  await serial.idle();
  const slow = gate();
  const first = serial.run('web', () => slow.opened);
  void serial.run('web', () => Promise.resolve());
  let isIdle = false;
  const idle = serial.idle().then(() => (isIdle = true));
  await Promise.resolve();
  t.equal(isIdle, false);
  slow.open();
  await Promise.all([first, idle]);
  t.ok(serial.isIdle);
  t.equal(serial.depth('web'), 0);
});

t.test('work added by a task of the same key waits for that task', async (t) => {
  const serial = new Serial();
  const trace: string[] = [];
  let inner: Promise<void> | undefined;
  await serial.run('web', async () => {
    inner = serial.run('web', async () => void trace.push('inner'));
    await Promise.resolve();
    trace.push('outer ends');
  });
  await inner;
  t.same(trace, ['outer ends', 'inner']);
});
