// One question over real sockets.
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import type { Probe } from '../../agent/health/health-check.ts';
import { runProbe } from '../../agent/health/run-probe.ts';
import type { RunningExec } from '../../agent/docker/running-exec.ts';
import { FakeExec, runFake } from '../support/fake-exec.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NEVER = new AbortController().signal;

const listening = (t: Test, server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    t.teardown(() => server.close());
  });

const serve = (t: Test, answer: RequestListener): Promise<number> => listening(t, createServer(answer));

interface Asking {
  address?: string | null;
  timeoutMs?: number;
  stopped?: AbortSignal;
  clock?: Clock;
  /** How Docker starts programs. */
  startExec?: () => Promise<RunningExec>;
}

function ask(probe: Probe, { address = '127.0.0.1', timeoutMs = 30_000, stopped = NEVER, ...given }: Asking = {}) {
  const { clock = systemClock, startExec = (): Promise<RunningExec> => Promise.reject(new Error('nobody is here')) } =
    given;
  const thresholds = { startPeriodMs: 0, failures: 1, passes: 1 };
  const deps = { clock, engine: { startExec }, mayExec: true };
  const check = { service: 'web', probe, intervalMs: 1_000, timeoutMs, thresholds };
  return runProbe({ containerId: 'c1', address }, check, stopped, deps);
}

const http = (port: number, given: Partial<Extract<Probe, { type: 'http' }>> = {}) =>
  ({ type: 'http', port, path: '/', host: 'localhost', expectStatus: null, ...given }) as const;

t.test('http: 200 to 399 passes, or the one status that is expected', async (t) => {
  const port = await serve(t, ({ url = '' }, response) => {
    response.statusCode = Number(url.slice(1));
    response.end('why');
  });
  const verdicts = async (expectStatus: number | null) => {
    const statuses = [200, 204, 302, 399, 400, 404, 500];
    const answers = await Promise.all(statuses.map((it) => ask(http(port, { path: `/${it}`, expectStatus }))));
    return statuses.filter((_, index) => answers[index]?.verdict === 'passed');
  };
  t.same(await verdicts(null), [200, 204, 302, 399]);
  t.same(await verdicts(404), [404]);
  t.match(await ask(http(port, { path: '/500' })), {
    verdict: 'failed',
    output: 'HTTP 500 Internal Server Error\nwhy',
  });
});

t.test('http: a redirect is an answer, and nobody goes where it leads', async (t) => {
  const asked: (string | undefined)[] = [];
  const port = await serve(t, ({ url }, response) => {
    asked.push(url);
    response.writeHead(301, { location: '/elsewhere' }).end();
  });
  t.match(await ask(http(port, { path: '/a?b=c' })), { verdict: 'passed' });
  t.same(asked, ['/a?b=c']);
});

t.test('http: the Host header is what was asked for', async (t) => {
  const port = await serve(t, ({ headers }, response) => void response.end(headers.host));
  t.match(await ask(http(port, { host: 'shop.test' })), { output: 'HTTP 200 OK\nshop.test' });
});

t.test('http: an answer without an end is read as far as it is kept', async (t) => {
  const port = await serve(t, (_, response) => {
    response.on('error', () => undefined);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(1000)));
    };
    response.on('drain', more);
    more();
  });
  const { verdict, output } = await ask(http(port));
  t.equal(verdict, 'passed');
  t.equal(output.length, 'HTTP 200 OK\n'.length + 4096);
});

t.test('http: a status in time is a verdict, whatever becomes of the rest', async (t) => {
  const port = await serve(t, (_, response) => void response.write('data: 1\n\n'));
  t.match(await ask(http(port), { timeoutMs: 2_000 }), { verdict: 'passed', output: 'HTTP 200 OK\ndata: 1\n\n' });
});

t.test('whoever does not answer in time has failed', async (t) => {
  const port = await serve(t, () => undefined);
  t.match(await ask(http(port), { timeoutMs: 50 }), { verdict: 'failed', output: 'no answer within 50 ms' });
});

t.test('a time limit that comes late is no verdict: the machine slept', async (t) => {
  const clock = new ManualClock();
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const port = await serve(t, () => asked());
  let limit = (): void => undefined;
  const sleepy: Clock = {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    after: (_, run) => {
      limit = run;
      return () => undefined;
    },
  };
  const answer = ask(http(port), { timeoutMs: 5_000, clock: sleepy });
  await isAsked;
  clock.advance(60_000);
  limit();
  t.match(await answer, { verdict: 'unknown' });
});

t.test('whoever refuses, hangs up or speaks another language has failed', async (t) => {
  const shut = createTcpServer();
  const port = await listening(t, shut);
  await new Promise((resolve) => shut.close(resolve));
  t.match(await ask({ type: 'tcp', port }), { verdict: 'failed', output: /ECONNREFUSED/ });
  t.match(await ask(http(port)), { verdict: 'failed', output: /ECONNREFUSED/ });
  const rude = await listening(
    t,
    createTcpServer((socket) => socket.on('error', () => undefined).destroy()),
  );
  t.match(await ask(http(rude)), { verdict: 'failed' });
  const foreign = await listening(
    t,
    createTcpServer((socket) => void socket.on('error', () => undefined).end('220 hello\r\n')),
  );
  t.match(await ask(http(foreign)), { verdict: 'failed' });
});

t.test('tcp: who accepts passes, and hears nothing', async (t) => {
  let heard = 0;
  const { promise: isOver, resolve: over } = Promise.withResolvers<void>();
  const server = createTcpServer((socket) => {
    socket.on('data', (bytes) => (heard += bytes.length));
    socket.on('error', () => undefined);
    socket.on('close', () => over());
  });
  const port = await listening(t, server);
  t.match(await ask({ type: 'tcp', port }), { verdict: 'passed' });
  await isOver;
  t.equal(heard, 0);
});

t.test('a container without an address cannot be asked over the network', async (t) => {
  t.match(await ask({ type: 'tcp', port: 1 }, { address: null }), { verdict: 'failed', output: /no address/ });
});

t.test('whoever is stopped in the middle has no verdict', async (t) => {
  const stop = new AbortController();
  const port = await serve(t, () => stop.abort());
  t.match(await ask(http(port), { stopped: stop.signal }), { verdict: 'unknown' });
});

const EXEC: Probe = { type: 'exec', command: ['check'] };

t.test("exec: the time that Docker takes to start the program is not the program's", async (t) => {
  const clock = new ManualClock();
  const { promise: started, resolve: start } = Promise.withResolvers<RunningExec>();
  const answer = ask(EXEC, { clock, timeoutMs: 5_000, startExec: () => started });
  clock.advance(20_000);
  start(runFake('c1', { command: ['true'] }));
  t.match(await answer, { verdict: 'passed' });
  t.equal(clock.pending, 0);
});

t.test('exec: a Docker that fails late is no verdict on the container', async (t) => {
  const clock = new ManualClock();
  const { promise: started, reject: fail } = Promise.withResolvers<RunningExec>();
  const answer = ask(EXEC, { clock, timeoutMs: 5_000, startExec: () => started });
  clock.advance(30_000);
  fail(new LongshoreError('docker_unavailable'));
  t.match(await answer, { verdict: 'unknown' });
});

t.test('exec: a program that Docker has not begun within the time has no verdict', async (t) => {
  const clock = new ManualClock();
  const exec = new FakeExec('c1', { command: ['check'] });
  exec.inspect = async () => ({ isRunning: false, exitCode: null, pid: 0 });
  const answer = ask(EXEC, { clock, timeoutMs: 5_000, startExec: async () => exec });
  await eventually(() => clock.pending === 1);
  clock.advance(5_000);
  t.match(await answer, { verdict: 'unknown' });
  t.ok(exec.isDetached);
});

t.test('exec: who stops does not wait for a Docker that hangs, and lets go of what it starts later', async (t) => {
  const stop = new AbortController();
  const { promise: started, resolve: start } = Promise.withResolvers<RunningExec>();
  const answer = ask(EXEC, { stopped: stop.signal, startExec: () => started });
  stop.abort();
  t.match(await answer, { verdict: 'unknown' });
  const late = runFake('c1', { command: ['true'] });
  start(late);
  await eventually(() => late.isDetached);
});
