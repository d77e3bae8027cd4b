// Calls to an engine that falls silent or hangs up at the worst moment, played by a socket.
import { spawn } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DockerClient } from '../../agent/docker/docker-client.ts';
import { engineOver } from '../../agent/docker/docker-engine.ts';
import { openLogSource } from '../../agent/docker/log-source.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { silentLogger } from '#shared/log.ts';
import { systemClock, type Clock } from '#shared/time.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

type Answer = 'nothing' | 'half' | 'half, then hangs up' | 'all';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const WORDS: Record<Answer, string> = {
  nothing: '',
  half: `${HEAD}Content-Length: 100\r\n\r\n[`,
  'half, then hangs up': `${HEAD}Content-Length: 100\r\n\r\n[`,
  all: `${HEAD}Content-Length: 2\r\n\r\n[]`,
};

const OPEN_STREAM = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

class Silent {
  answer: Answer = 'nothing';
  readonly asked: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly server: Server;

  constructor() {
    this.server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('data', (chunk) => {
        const path = String(chunk).split(' ')[1] ?? '';
        this.asked.push(path);
        socket.write(path.startsWith('/events') ? OPEN_STREAM : WORDS[this.answer]);
        if (this.answer === 'half, then hangs up') socket.end();
      });
    });
  }

  get lists(): number {
    return this.asked.filter((path) => path.startsWith('/containers/json')).length;
  }

  get open(): number {
    return this.#sockets.size;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}

async function start(t: Test, clock: Clock = systemClock) {
  const dir = makeFolder(t, 'silent');
  const socketPath = join(dir, 'docker.sock');
  const docker = new Silent();
  docker.server.listen(socketPath);
  await once(docker.server, 'listening');
  const client = new DockerClient({ socketPath, clock });
  t.teardown(() => {
    client.breaker.stop();
    docker.hangUp();
  });
  return { docker, client, socketPath };
}

const list = (client: DockerClient, deadlineMs: number) =>
  client.call('Cannot list', deadlineMs, (docker, abortSignal) => docker.listContainers({ abortSignal }));

for (const answer of ['nothing', 'half', 'half, then hangs up'] as const) {
  t.test(`F12: a call ends at its deadline when Docker says ${answer}`, async (t) => {
    const { docker, client } = await start(t);
    docker.answer = answer;
    const fault = { code: 'docker_unavailable', details: 'Cannot list: no answer in time' };
    await t.rejects(list(client, 50), fault);
    await eventually(() => docker.asked.includes('/_ping'));
    t.equal(client.overdueCalls, 0);
    client.breaker.stop();
  });
}

t.test('F12: a cancel ends a call at once, and is no doubt about Docker', async (t) => {
  const { docker, client } = await start(t);
  const abort = new AbortController();
  const call = client.call(
    'Cannot list',
    60_000,
    (one, abortSignal) => one.listContainers({ abortSignal }),
    abort.signal,
  );
  await eventually(() => docker.asked.length === 1);
  abort.abort(new DOMException('enough', 'AbortError'));
  await t.rejects(call, { message: 'enough' });
  await eventually(() => docker.open === 0);
  t.equal(docker.asked.length, 1, 'nothing was asked after it');
});

t.test(
  'F12: an engine that has been frozen for so long that its queue is full is silent, and does not refuse',
  async (t) => {
    const dir = makeFolder(t, 'frozen');
    const socketPath = join(dir, 'docker.sock');
    const script = `require('node:net').createServer().listen({ path: ${JSON.stringify(socketPath)}, backlog: 1 }, () => console.log())`;
    const frozen = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(frozen.stdout, 'data');
    frozen.kill('SIGSTOP');
    const queue: Socket[] = [];
    const client = new DockerClient({ socketPath });
    t.teardown(() => {
      client.breaker.stop();
      frozen.kill('SIGKILL');
      for (const socket of queue) socket.destroy();
    });
    const isFull = async () => {
      const socket = connect(socketPath);
      queue.push(socket);
      return Promise.race([
        once(socket, 'connect').then(() => false),
        new Promise<boolean>((resolve) => socket.once('error', () => resolve(true))),
      ]);
    };
    await eventually(isFull, { intervalMs: 1 });
    await t.rejects(list(client, 60_000), { code: 'docker_unavailable' });
    await eventually(() => client.breaker.openSince !== null);
  },
);

t.test('F12: a log that stops in the middle ends with an error, one that is followed goes on waiting', async (t) => {
  const clock = new ManualClock();
  const { docker, socketPath } = await start(t, clock);
  docker.answer = 'half';
  for (const follow of [false, true]) {
    const source = await openLogSource(socketPath, { containerId: 'c1', tail: null, since: null, follow }, clock);
    t.equal(String(await source?.read()), '[');
    const next = source?.read().then(
      () => 'ended',
      (error: unknown) => (error as { code?: string }).code,
    );
    clock.advance(120_000);
    if (follow) source?.close();
    t.equal(await next, follow ? 'ended' : 'docker_unavailable');
  }
});

t.test('F12: while Docker is silent calls are refused at once, and its return is a resync', async (t) => {
  const clock = new ManualClock();
  const { docker, client } = await start(t, clock);
  docker.answer = 'all';
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const { breaker } = client;
  const hub = startEventHub({ engine: engineOver(client), breaker, clock, log: silentLogger() }, stop.signal);
  const heard: string[] = [];
  hub.subscribe('*', ({ kind }) => heard.push(kind));
  await eventually(() => heard.length === 1);

  docker.answer = 'nothing';
  await t.rejects(list(client, 50), { code: 'docker_unavailable' });
  await eventually(() => breaker.openSince !== null, { timeoutMs: 20_000 });
  t.notOk(hub.isConnected, 'though the stream of events is open');
  const lists = docker.lists;
  await t.rejects(list(client, 60_000), { code: 'docker_unavailable', details: /has not answered since 20/ });
  t.equal(docker.lists, lists, 'not even asked');

  docker.answer = 'all';
  clock.advance(1_000);
  await eventually(() => breaker.openSince === null);
  t.strictSame(heard, ['resync', 'resync']);
  t.ok(hub.isConnected);
  t.strictSame(await list(client, 5_000), []);
});
