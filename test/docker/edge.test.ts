// A real Caddy while what is behind it changes: nobody who asks gets an error.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { silentLogger } from '#shared/log.ts';
import type { EdgeState, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import { systemClock } from '#shared/time.ts';
import { createCompose, findComposePlugin } from '../../agent/docker/compose.ts';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import type { Container, Engine } from '../../agent/docker/engine.ts';
import { Caddy } from '../../agent/ingress/caddy.ts';
import { Ingress } from '../../agent/ingress/ingress.ts';
import { SOCKET } from '../support/deploy-host.ts';
import { ensureEdge, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { createdContainer } from '../support/fake-container.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';

const HOSTNAME = 'web.example.com';
const SWAPS = 20;
const PAUSE_MS = 5; // 200 requests a second
const ANSWERS_A_SWAP = 10;

/** Answers with its own number, and echoes over WebSockets; takes a while to end, as servers do. */
class Backend {
  readonly container: Container;
  readonly #server: Server;

  constructor(server: Server, container: Container) {
    this.#server = server;
    this.container = container;
  }

  /** What a stopped container is like: it takes nobody new, gives the answers under way, and is gone. */
  end(): void {
    this.#server.close();
    this.#server.closeAllConnections(); // each answer is given in the moment it is asked for
  }
}

let made = 0;

async function startBackend(t: Test): Promise<Backend> {
  const number = ++made;
  const server = createServer((_, response) => void response.end(String(number)));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const ports = [{ host: port, container: port, protocol: 'tcp' as const, address: '' }];
  const up = { state: 'running' as const, health: 'healthy' as const, address: '127.0.0.1' };
  return new Backend(server, createdContainer({ name: `web-${number}`, service: 'web', ports, ...up }));
}

const STATE: EdgeState = {
  revision: 1,
  edge: 'caddy',
  issuer: { kind: 'internal' },
  routes: [
    { hostname: HOSTNAME, serviceId: 'svc_1', service: null, port: null, redirectTo: null, certificateId: null },
  ],
  certificates: [],
};

/** The edge of a host whose one service is `backends`. */
async function startEdge(t: Test, backends: Set<Backend>) {
  const dir = makeFolder(t, 'edge');
  const real = createDockerEngine({ socketPath: SOCKET });
  const listProject: Engine['listProject'] = async (project) =>
    project === 'web' ? [...backends].map(({ container }) => container) : real.listProject(project);
  const engine = {
    listProject,
    findImage: (reference: string) => real.findImage(reference),
    pullImage: (reference: string) => real.pullImage(reference),
    removeContainer: (id: string) => real.removeContainer(id),
  };
  const binary = findComposePlugin(dir) ?? '';
  const compose = createCompose({ binary, socketPath: SOCKET, home: dir, loginDir: dir });
  const ports = { http: await freePort(), https: await freePort() };
  const image = 'longshore-test/edge:1';
  const caddy = new Caddy({
    engine,
    compose,
    project: uniqueProject(t, 'edge'),
    image,
    dir,
    groupId: 0,
    clock: systemClock,
  });
  const told: EdgeStatus[] = [];
  const outbox = { append: (event: { status: EdgeStatus }) => void told.push(event.status) };
  const ingress = new Ingress({
    engine,
    projectOf: () => 'web',
    state: { edge: { find: () => STATE }, outbox, transact: (work: () => unknown) => work() } as never,
    caddy,
    ports,
    askControl: async () => undefined,
    clock: systemClock,
    log: silentLogger(),
  });
  t.teardown(() => ingress.close());
  ingress.touch();
  await eventually(() => told.at(-1)?.names[0]?.certificate.state === 'issued');
  return { ingress, port: ports.https, told };
}

/** As browsers do: a connection that was kept and is closed just then is no answer (RFC 9112 §9.3.1), and asked again. */
async function ask(port: number, agent: Agent): Promise<string> {
  for (;;) {
    const answer = await askOnce(port, agent);
    if (answer !== 'closed') return answer;
  }
}

function askOnce(port: number, agent: Agent): Promise<string> {
  const options = { host: '127.0.0.1', port, servername: HOSTNAME, headers: { host: HOSTNAME }, agent };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, rejectUnauthorized: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(body) : reject(new Error(`${response.statusCode}`)),
      );
    });
    sent.on('error', (error) => (sent.reusedSocket ? resolve('closed') : reject(error)));
    sent.end();
  });
}

void t.test('an edge while containers come and go', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureEdge();
  const backends = new Set([await startBackend(t)]);
  const { ingress, port } = await startEdge(t, backends);
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  t.teardown(() => agent.destroy());

  const socket = new WebSocket(`wss://${HOSTNAME}:${port}/`, {
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    rejectUnauthorized: false,
  });
  await once(socket, 'open');
  t.teardown(() => socket.terminate());
  const isEchoed = async (text: string): Promise<boolean> => {
    const heard = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(text);
    return (await heard)[0].toString() === text;
  };

  await t.test('200 requests a second during 20 changes: none fails', async (t) => {
    const faults: string[] = [];
    const seen = new Set<string>();
    let answers = 0;
    const underWay = new Set<Promise<void>>();
    const over = new AbortController();
    const noteAnswer = async (asked: Promise<string>): Promise<void> => {
      try {
        seen.add(await asked);
        answers++;
      } catch (error) {
        faults.push((error as Error).message);
      }
    };
    const load = (async () => {
      while (!over.signal.aborted) {
        const asked = noteAnswer(ask(port, agent));
        const done = asked.finally(() => underWay.delete(done));
        underWay.add(done);
        await sleep(PAUSE_MS);
      }
      await Promise.all(underWay);
    })();
    const [first] = backends;
    for (let swap = 0; swap < SWAPS; swap++) {
      const [old] = backends;
      const next = await startBackend(t);
      backends.add(next);
      if (!old) throw new TypeError('there is always one');
      await eventually(() => answers > swap * ANSWERS_A_SWAP, { intervalMs: PAUSE_MS });
      await ingress.leave([old.container.id]);
      backends.delete(old);
      if (old !== first) old.end();
    }
    over.abort();
    await load;
    t.same(faults, []);
    t.ok(seen.size > SWAPS / 2, `${seen.size} of them answered`);
  });

  await t.test('a WebSocket has lived through all of it', async (t) => {
    t.ok(await isEchoed('still here'));
  });
});
