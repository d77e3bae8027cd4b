// Programs that end well, and those that leave something behind which holds on to their pipes.
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { runChild, SYSTEM_PATH, type ChildEnd } from '../../agent/docker/child.ts';
import { eventually } from '../support/eventually.ts';

interface Run {
  end: Promise<ChildEnd>;
  said: string[];
}

function run(script: string, options: { deadlineMs?: number; signal?: AbortSignal } = {}): Run {
  const said: string[] = [];
  const end = runChild('/bin/sh', {
    args: ['-c', script],
    env: { PATH: SYSTEM_PATH },
    cwd: '/',
    deadlineMs: 60_000,
    ...options,
    onStdout: (line) => said.push(line),
    onStderr: (line) => said.push(`! ${line}`),
  });
  return { end, said };
}

/** Says its process id, in a session of its own: no signal to the group reaches it. */
const STRANGER = `setsid sh -c 'echo $$; exec sleep 600' &`;

/** Ends the stranger with the test. */
async function strangerOf(t: Test, { said }: Run): Promise<number> {
  const pid = await eventually(() => Number(said.find((line) => /^\d+$/.test(line))));
  t.teardown(() => process.kill(pid, 'SIGKILL'));
  return pid;
}

t.test('a program is over when it has ended and all of its words are read', async (t) => {
  const { end, said } = run('echo one; echo two >&2; printf three; exit 7');
  t.strictSame(await end, { code: 7, signal: null, killedBy: null });
  t.strictSame(said.toSorted(), ['! two', 'one', 'three']);
});

t.test('words that fill the pipe many times are all there', async (t) => {
  const { end, said } = run('seq 100000');
  await end;
  t.equal(said.length, 100_000);
  t.equal(said.at(-1), '100000');
});

t.test('F51: a process that left its group and holds its pipes holds nobody up', async (t) => {
  const one = run(`${STRANGER} echo done; exit 3`);
  const pid = await strangerOf(t, one);
  t.strictSame(await one.end, { code: 3, signal: null, killedBy: null });
  t.ok(one.said.includes('done'));
  t.ok(process.kill(pid, 0), 'though it lives on');
});

t.test('F51: at the deadline the group goes, and whoever left it is not waited for', async (t) => {
  const one = run(`${STRANGER} sleep 600`, { deadlineMs: 500 });
  await strangerOf(t, one);
  t.strictSame(await one.end, { code: null, signal: 'SIGKILL', killedBy: 'deadline' });
});

t.test('F51: neither is it at a cancel', async (t) => {
  const cancel = new AbortController();
  const one = run(`${STRANGER} sleep 600`, { signal: cancel.signal });
  await strangerOf(t, one);
  cancel.abort();
  t.strictSame(await one.end, { code: null, signal: 'SIGKILL', killedBy: 'abort' });
});

t.test('what a program leaves behind in its own group ends with its last words', async (t) => {
  const one = run('sleep 600 & echo $!');
  t.match(await one.end, { code: 0, killedBy: null });
  const [pid] = one.said;
  await eventually(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '');
});

t.test('one that cannot be started is an error, and one that is cancelled before is none', async (t) => {
  const options = {
    args: [],
    env: {},
    cwd: '/',
    deadlineMs: 60_000,
    onStdout: () => undefined,
    onStderr: () => undefined,
  };
  await t.rejects(runChild('/no/such/program', options), { code: 'ENOENT' });
  const end = await runChild('/no/such/program', { ...options, signal: AbortSignal.abort() });
  t.strictSame(end, { code: null, signal: 'SIGKILL', killedBy: 'abort' });
});
