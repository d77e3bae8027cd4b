// A service's logs from real containers, as the agent streams them.
import t, { type Test } from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { followLogs, readLogs, runContainer, startStreamer, waitForExit } from '../support/log-host.ts';

const IDLE = 'while :; do sleep 3600 & wait $!; done';

/** A project with a streamer for it. */
function project(t: Test) {
  const name = uniqueProject(t, 'logs');
  return { name, stream: startStreamer(t, name) };
}

/** Everything there is, which must be the same from the files and from the Engine. */
async function readBoth(t: Test, name: string) {
  const logs = await readLogs(startStreamer(t, name, 'files'));
  t.same(await readLogs(startStreamer(t, name, 'api')), logs, 'the files and the Engine tell the same');
  return logs;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

t.test('logs of real containers', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();

  t.test('a line has its time to the nanosecond, its stream, its container', async (t) => {
    const { name } = project(t);
    const before = new Date().toISOString();
    const container = await runContainer({
      project: name,
      service: 'web',
      script: 'echo out; sleep 0.1; echo err >&2',
    });
    await waitForExit(container);
    const logs = await readBoth(t, name);
    t.match(logs, [
      { stream: 'stdout', message: 'out', container },
      { stream: 'stderr', message: 'err', container },
    ]);
    t.match(logs[0]?.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    t.ok((logs[0]?.timestamp ?? '') > before);
  });

  t.test('two containers come in the order of time', async (t) => {
    const { name } = project(t);
    const script = (who: string) => `for i in 1 2 3 4 5 6 7 8; do echo ${who}$i; sleep 0.05; done`;
    const both = await Promise.all([
      runContainer({ project: name, service: 'a', script: script('a') }),
      runContainer({ project: name, service: 'b', script: script('b') }),
    ]);
    await Promise.all(both.map(waitForExit));
    const logs = await readBoth(t, name);
    const stamps = logs.map((line) => line.timestamp);
    t.same(stamps, stamps.toSorted());
    t.same(
      logs.map((line) => line.message).toSorted(),
      ['a', 'b'].flatMap((who) => numbers(1, 8).map((i) => who + i)),
    );

    for (const from of ['files', 'api'] as const) {
      const stream = startStreamer(t, name, from);

      t.test(`tail counts over the whole service (${from})`, async (t) => {
        for (const tail of [1, 5, 15, 1000]) t.same(await readLogs(stream, { tail }), logs.slice(-tail));
        t.same(await readLogs(stream, { tail: 0 }), []);
      });

      t.test(`since is inclusive to the nanosecond (${from})`, async (t) => {
        const since = logs[6]?.timestamp ?? '';
        t.same(await readLogs(stream, { since }), logs.slice(6));
        const next = `${since.slice(0, 20)}${String(Number(since.slice(20, 29)) + 1).padStart(9, '0')}Z`;
        t.same(await readLogs(stream, { since: next }), logs.slice(7));
        t.same(await readLogs(stream, { since, tail: 2 }), logs.slice(-2));
        t.same(await readLogs(stream, { since: '2999-01-01T00:00:00Z' }), []);
      });
    }
  });

  t.test('a service without containers has no logs, an unknown one is refused', async (t) => {
    const { stream } = project(t);
    t.same(await readLogs(stream), []);
    const params = { serviceId: 'svc_other', tail: null, since: null, follow: false };
    const writer = { signal: new AbortController().signal, write: async () => undefined };
    await t.rejects(
      stream(params, writer, () => undefined),
      { code: 'not_found' },
    );
  });

  t.test('a container that keeps no logs does not hide the others', async (t) => {
    const { name, stream } = project(t);
    const options = ['--log-driver', 'none'];
    const silent = await runContainer({ project: name, service: 'none', script: 'echo lost', options });
    const loud = await runContainer({ project: name, service: 'loud', script: 'echo kept' });
    await Promise.all([waitForExit(silent), waitForExit(loud)]);
    t.match(await readLogs(stream), [{ message: 'kept' }]);
  });

  t.test('F43: a line is cut at 16 KiB and says how much is missing', async (t) => {
    const { name, stream } = project(t);
    const line = (bytes: number) => `head -c ${bytes} /dev/zero | tr '\\0' x; echo`;
    const script = [16384, 16385, 100_000].map(line).join('; ');
    await waitForExit(await runContainer({ project: name, service: 'long', script: `${script}; echo after` }));
    const logs = await readBoth(t, name);
    const x = 'x'.repeat(16384);
    t.same(
      logs.map((entry) => entry.message),
      [x, `${x}… [cut, 1 bytes more]`, `${x}… [cut, ${100_000 - 16384} bytes more]`, 'after'],
    );
    t.same(
      (await readLogs(stream, { tail: 2 })).map((entry) => entry.message.length),
      [logs[2]?.message.length, 5],
      'a tail counts lines, not the pieces that Docker stores',
    );
  });

  t.test('A62, F43: a 100 MB line costs one cut line', async (t) => {
    const { name } = project(t);
    const script = "head -c 104857600 /dev/zero | tr '\\0' y; echo; echo after";
    await waitForExit(await runContainer({ project: name, service: 'huge', script }));
    const logs = await readBoth(t, name);
    t.equal(logs.length, 2);
    t.match(logs[0]?.message, /^y{16384}… \[cut, 104841216 bytes more\]$/);
    t.match(logs[1], { message: 'after' });
  });

  t.test('A62: hostile bytes are data inside a JSON string', async (t) => {
    const { name } = project(t);
    const said = [
      String.raw`a\000b`,
      String.raw`\033[31mred\033]8;;http://x\007`,
      String.raw`\033]52;c;c2VjcmV0\007`,
      String.raw`x\r\n{"level":"fatal"}`,
      String.raw`\377\376broken \303`,
      String.raw`"quoted" \\ back`,
      '<script>alert(1)</script> ünï → 🚀',
    ];
    const script = said.map((text) => `printf '${text}\\n'`).join('; sleep 0.02; ');
    await waitForExit(await runContainer({ project: name, service: 'evil', script }));
    const logs = await readBoth(t, name);
    t.same(
      logs.map((entry) => entry.message),
      [
        'a\0b',
        '\u001b[31mred\u001b]8;;http://x\u0007',
        '\u001b]52;c;c2VjcmV0\u0007',
        'x\r',
        '{"level":"fatal"}',
        '\ufffd\ufffdbroken \ufffd',
        '"quoted" \\ back',
        '<script>alert(1)</script> ünï → 🚀',
      ],
    );
    t.ok(logs.every((entry) => entry.container === `${name}-evil-1` && entry.stream === 'stdout'));
  });

  t.test('A63: a secret that a container prints leaves its host in none of its forms', async (t) => {
    const secret = 'canary "quoted" & <s3cret>';
    const name = uniqueProject(t, 'logs');
    const script = `
      printf '%s\\n' "$S"; printf 'split '; sleep 0.1; printf '%s' "$S" | head -c 9; sleep 0.1; printf '%s\\n' "$S" | tail -c +10
      printf 'x%s' "$S" | base64; head -c 16380 /dev/zero | tr '\\0' z; printf '%s\\n' "$S"; echo done >&2`;
    const options = ['-e', `S=${secret}`];
    await runContainer({ project: name, service: 'app', script: `${script}; sleep 1000`, options });
    const streams = (['files', 'api'] as const).map((from) => startStreamer(t, name, from, [secret]));
    const following = await followLogs(t, startStreamer(t, name, 'files', [secret]), { tail: 100 });
    await eventually(() => following.entries.some(({ message }) => message === 'done'));
    for (const stream of streams) {
      const logs = (await readLogs(stream)).filter((entry) => entry.stream === 'stdout').map((entry) => entry.message);
      t.match(logs, ['***', 'split ***', /^.{0,3}\*\*\*.{0,4}$/, /^z{16380}\*\*\*… \[cut, \d+ bytes more\]$/]);
      t.equal(logs.length, 4);
    }
    t.notMatch(JSON.stringify(following.entries), /cana|s3cret/);
  });

  t.test('a container with a terminal', async (t) => {
    const { name } = project(t);
    const long = "head -c 40000 /dev/zero | tr '\\0' z; echo";
    const script = `echo one; ${long}; echo two >&2; printf 'no end'`;
    await waitForExit(await runContainer({ project: name, service: 'tty', script, options: ['-t'] }));
    const logs = await readBoth(t, name);
    t.match(logs, [
      { message: 'one', stream: 'stdout' },
      { message: `${'z'.repeat(16384)}… [cut, ${40_000 + 1 - 16384} bytes more]` },
      { message: 'two', stream: 'stdout' },
      { message: 'no end' },
    ]);
  });

  t.test('rotated files are read as one log', async (t) => {
    const { name, stream } = project(t);
    const options = ['--log-opt', 'max-size=20k', '--log-opt', 'max-file=100'];
    const script = `i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i; done`;
    await waitForExit(await runContainer({ project: name, service: 'turning', script, options }));
    const logs = await readBoth(t, name);
    t.equal(firstOddLine(logs, 1), undefined);
    t.equal(logs.length, 2000);
    const middle = logs[1000]?.timestamp ?? '';
    t.same(await readLogs(stream, { since: middle }), logs.slice(1000));
    t.same(await readLogs(stream, { tail: 777 }), logs.slice(-777));
  });

  t.test('attributes beside a line, and text that looks like an escape, are no trouble', async (t) => {
    const { name } = project(t);
    const options = ['--label', 'who=me', '--log-opt', 'labels=who'];
    const script = `echo 'with attributes'; printf 'ends in \\\\n'`;
    await waitForExit(await runContainer({ project: name, service: 'odd', script, options }));
    const plain = `printf 'ends in \\\\n'`;
    await waitForExit(await runContainer({ project: name, service: 'plain', script: plain }));
    const logs = await readBoth(t, name);
    t.same(
      logs.map((line) => line.message),
      ['with attributes', 'ends in \\n', 'ends in \\n'],
    );
  });

  t.test('following shows lines as they come', async (t) => {
    const { name, stream } = project(t);
    const script = `echo old; while :; do [ -e /go ] && { echo new; rm /go; }; sleep 0.05; done`;
    const container = await runContainer({ project: name, service: 'web', script });
    await eventually(() => docker(['logs', container]), { until: (text) => text === 'old' });
    const live = await followLogs(t, stream, { tail: 0 });
    const withHistory = await followLogs(t, stream);
    await docker(['exec', container, 'touch', '/go']);
    await eventually(() => live.entries.length === 1 && withHistory.entries.length === 2);
    t.match(live.entries, [{ message: 'new' }]);
    t.match(withHistory.entries, [{ message: 'old' }, { message: 'new' }]);
    await docker(['exec', container, 'touch', '/go']);
    await eventually(() => withHistory.entries.length === 3);
    t.match(live.entries, [{ message: 'new' }, { message: 'new' }]);
  });

  t.test('following a flood from its middle misses and repeats nothing', async (t) => {
    const { name, stream } = project(t);
    const script = `i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo $i; done; ${IDLE}`;
    await runContainer({ project: name, service: 'flood', script });
    const tailed = await followLogs(t, stream, { tail: 10 });
    const whole = await followLogs(t, stream);
    const isDone = () => [tailed, whole].every(({ entries }) => entries.at(-1)?.message === '40000');
    await eventually(isDone, { timeoutMs: 60_000 });
    const first = Number(tailed.entries[0]?.message);
    t.equal(firstOddLine(tailed.entries, first), undefined);
    t.equal(tailed.entries.length, 40_000 - first + 1);
    t.equal(firstOddLine(whole.entries, 1), undefined);
    t.equal(whole.entries.length, 40_000);
    t.ok(Math.max(...whole.frameBytes) <= 64 * 1024);
    t.ok(whole.frameBytes.length < 4000, 'lines travel together');
  });

  t.test('a follow survives restart, recreation and scaling without loss or duplicates', async (t) => {
    const { name, stream } = project(t);
    const count = 'trap "echo bye; exit 0" TERM; n=0; while :; do n=$((n+1)); echo $RUN-$HOSTNAME-$n; sleep 0.01; done';
    const options = ['--stop-timeout', '5', '--hostname', 'one'];
    const container = await runContainer({ project: name, service: 'web', script: count, options });
    const following = await followLogs(t, stream);
    const said = (text: string) => following.entries.some((entry) => entry.message.includes(text));
    await eventually(() => said('-one-20'));
    for (const run of [1, 2, 3]) {
      await docker(['restart', container]);
      const again = () => following.entries.filter((entry) => entry.message.endsWith('-one-5')).length === run + 1;
      await eventually(again);
    }
    await runContainer({ project: name, service: 'second', script: count, options: ['--hostname', 'two'] });
    await eventually(() => said('-two-5'));
    const first = (await readLogs(stream)).filter((entry) => entry.container === container).map(toText);
    await docker(['rm', '-f', container]);
    await runContainer({ project: name, service: 'web', script: count, options: ['--hostname', 'three'] });
    await eventually(() => said('-three-5'));
    await docker(['rm', '-f', container, `${name}-second-1`]);
    const shown = following.entries.map(toText);
    t.same(shown.filter((line) => line.includes('-one-') || line.includes('bye')).slice(0, first.length), first);
    for (const host of ['two', 'three']) {
      const own = following.entries.filter((entry) => entry.message.includes(`-${host}-`));
      t.same(
        own.map((entry) => entry.message),
        own.map((_, i) => `-${host}-${i + 1}`),
      );
    }
    t.equal(new Set(shown).size, shown.length);
  });

  t.test('a container that lives for a moment is followed as well', async (t) => {
    const { name, stream } = project(t);
    await runContainer({ project: name, service: 'idle', script: IDLE });
    const following = await followLogs(t, stream);
    await runContainer({ project: name, service: 'task', script: 'echo done' });
    await eventually(() => following.entries.length === 1);
    t.match(following.entries, [{ message: 'done', container: `${name}-task-1` }]);
  });

  t.test('a reader who leaves ends the stream', async (t) => {
    const { name, stream } = project(t);
    await runContainer({ project: name, service: 'web', script: `echo hello; ${IDLE}` });
    const following = await followLogs(t, stream);
    await eventually(() => following.entries.length === 1);
    await t.resolves(following.stop());
  });
});

/** The first line that does not go on counting; a diff of 40 000 lines tells less. */
const firstOddLine = (entries: { message: string }[], from: number) =>
  entries.find((entry, i) => entry.message !== String(from + i));

const toText = (entry: { timestamp: string; message: string }) => `${entry.timestamp} ${entry.message}`;
