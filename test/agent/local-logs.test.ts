// `longshore local logs`, with and without -f: the client and the socket are real, the lines are given.
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { aborted } from '#shared/time.ts';
import type { LocalDeps } from '../../agent/local/local.ts';
import { eventually } from '../support/eventually.ts';
import { startLocalHost } from '../support/local-host.ts';

const frame = (message: string) =>
  Buffer.from(
    `${JSON.stringify({ timestamp: '2026-11-01T00:00:00Z', stream: 'stdout', message, container: 'web-1' })}\n`,
  );

t.test('logs: the lines that are asked for, and an end', async (t) => {
  const asked: unknown[] = [];
  const streamLogs: LocalDeps['streamLogs'] = async (params, writer, opened) => {
    asked.push(params);
    opened();
    const both = Buffer.concat([frame('one'), frame('two — ✓')]);
    for (const byte of both) await writer.write(Buffer.from([byte])); // nothing says where a line ends but its end
  };
  const host = await startLocalHost(t, { streamLogs });
  t.equal((await host.run('logs', 'web')).stdout, 'web-1 | one\nweb-1 | two — ✓\n');
  await host.run('logs', 'web', '-n', '5');
  await host.run('logs', 'web', '--since', '2026-11-01T00:00:00Z');
  const usual = { serviceId: 'svc_1', follow: false };
  t.strictSame(asked, [
    { ...usual, tail: 100, since: null },
    { ...usual, tail: 5, since: null },
    { ...usual, tail: null, since: '2026-11-01T00:00:00Z' },
  ]);
});

/** Follows, and shows the source’s side of it. */
async function follow(t: Test) {
  const source = { isLeft: false };
  const streamLogs: LocalDeps['streamLogs'] = async (_params, writer, opened) => {
    opened();
    await writer.write(frame('begins'));
    await aborted(writer.signal);
    source.isLeft = true;
  };
  const host = await startLocalHost(t, { streamLogs });
  const interrupt = new AbortController();
  const cli = host.start(['logs', 'web', '-f'], { interrupt: interrupt.signal });
  await eventually(() => cli.stdout === 'web-1 | begins\n');
  return { host, cli, interrupt, source };
}

t.test('logs -f goes on until Ctrl-C, and the source is let go', async (t) => {
  const { cli, interrupt, source } = await follow(t);
  interrupt.abort(new DOMException('interrupted', 'AbortError'));
  t.equal((await cli.done).exitCode, 130);
  await eventually(() => source.isLeft);
});

t.test('logs -f ends when the agent does, and says so', async (t) => {
  const { host, cli, source } = await follow(t);
  await host.stop();
  t.equal((await cli.done).exitCode, 7);
  t.ok(source.isLeft);
});

t.test('logs that cannot be read are an error, not an empty log', async (t) => {
  const streamLogs = () => Promise.reject(new LongshoreError('docker_unavailable'));
  const host = await startLocalHost(t, { streamLogs });
  const { exitCode, stderr } = await host.run('logs', 'web');
  t.equal(exitCode, 1);
  t.match(stderr, '(docker_unavailable)');
});

t.test('a log that breaks off in the middle says why', async (t) => {
  const streamLogs: LocalDeps['streamLogs'] = async (_params, writer, opened) => {
    opened();
    await writer.write(frame('one'));
    throw new LongshoreError('docker_unavailable', { message: 'Docker went away' });
  };
  const host = await startLocalHost(t, { streamLogs });
  t.same(await host.run('logs', 'web'), {
    exitCode: 1,
    stdout: 'web-1 | one\n',
    stderr: 'longshore: Docker went away (docker_unavailable)\n',
  });
});
