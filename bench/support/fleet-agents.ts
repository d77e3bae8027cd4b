// Agents of the fleet bench: the real link with its handshake, heartbeat and way back, for thousands of hosts in one
// process. Behind it there is no Docker and no state folder: commands are counted and acknowledged.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { newInstanceId } from '#shared/ids.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { createIdentity, type Identity } from '#shared/protocol/identity.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import { command, type Params } from '#shared/protocol/schema.ts';
import { systemClock } from '#shared/time.ts';
import type { HostReport } from '../../agent/link/connection.ts';
import { startLink, type Link } from '../../agent/link/session.ts';
import { eventually } from '../../test/support/eventually.ts';
import { FACTS } from '../../test/support/fake-host.ts';
import type { AgentOrders, Echoes } from './fleet-roles.ts';
import { percentile } from './report.ts';
import { playRole } from './roles.ts';

const clock = systemClock;
const log = silentLogger();
const scope = new Scope(log);
/** Far beyond any storm worth reporting. */
const LIMIT_MS = 300_000;
const ECHO = { data: 'x'.repeat(32) };

class SimulatedAgent {
  readonly identity: Identity = createIdentity();
  link: Link | undefined;
  /** When it came in last; 0: never. */
  inAt = 0;
  hadAt = 0;
  commandSeq = 0;
  #epoch = 0;

  start({ url, controlPin, tlsPin }: AgentOrders['start'][0]): void {
    const bootId = newInstanceId();
    const take = (params: Params<'commands.deliver'>) => this.#take(params);
    this.link = startLink(
      {
        destination: { url, controlPin, ...(tlsPin !== null && { tlsPin }) },
        identity: this.identity,
        instanceId: newInstanceId(),
        describe: () => Promise.resolve(this.#report(bootId)),
        handlers: { requests: { 'commands.deliver': take }, notifications: {}, streams: {} },
        clock,
        log,
        random: Math.random,
      },
      scope,
    );
    this.link.onUp((_peer, { epoch }) => {
      this.#epoch = epoch;
      this.inAt = Date.now();
    });
  }

  get isIn(): boolean {
    return this.link?.current !== undefined;
  }

  cut(): void {
    this.link?.current?.destroy(CLOSE.goingAway, 'cut');
  }

  #take({ commands }: Params<'commands.deliver'>) {
    this.commandSeq = Math.max(this.commandSeq, ...commands.map((raw) => command().parse(raw).seq));
    this.hadAt = Date.now();
    return Promise.resolve({ acked: this.commandSeq, refused: [] });
  }

  #report(bootId: string): HostReport {
    const numbers = { commandSeq: this.commandSeq, events: { first: 1, last: 0 }, epoch: this.#epoch };
    return { bootId, ...numbers, openJobs: [], services: [], facts: FACTS };
  }
}

let agents: SimulatedAgent[] = [];

function make({ agents: count }: { agents: number }) {
  agents = Array.from({ length: count }, () => new SimulatedAgent());
  return Promise.resolve({ keys: agents.map(({ identity }) => identity.publicKey) });
}

function start(control: AgentOrders['start'][0]): Promise<null> {
  for (const agent of agents) agent.start(control);
  return Promise.resolve(null);
}

async function untilIn({ since }: { since: number }) {
  const isBack = ({ isIn, inAt }: SimulatedAgent) => isIn && inAt >= since;
  await eventually(() => agents.every(isBack), { timeoutMs: LIMIT_MS });
  return { inAt: agents.map(({ inAt }) => inAt) };
}

function cut(): Promise<null> {
  for (const agent of agents) agent.cut();
  return Promise.resolve(null);
}

async function untilHad({ commands }: { commands: number }) {
  await eventually(() => agents.every(({ commandSeq }) => commandSeq >= commands), { timeoutMs: LIMIT_MS });
  return { hadAt: agents.map(({ hadAt }) => hadAt) };
}

function echo({ agents: count, durationMs }: { agents: number; durationMs: number }): Promise<Echoes> {
  const askers = agents.slice(0, count).map(
    ({ link }) =>
      () =>
        link?.current?.request('echo', ECHO),
  );
  return askInTurn(askers, durationMs);
}

async function bareEcho({ url, sockets: count, durationMs }: AgentOrders['bareEcho'][0]): Promise<Echoes> {
  const sockets = await Promise.all(Array.from({ length: count }, () => openSocket(url)));
  const text = JSON.stringify(ECHO);
  const askers = sockets.map((socket) => async () => {
    const answered = once(socket, 'message');
    socket.send(text);
    JSON.parse(((await answered) as [Buffer])[0].toString());
  });
  const echoes = await askInTurn(askers, durationMs);
  for (const socket of sockets) socket.terminate();
  return echoes;
}

async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Each asks again as soon as it has its answer. */
async function askInTurn(askers: (() => Promise<unknown> | undefined)[], durationMs: number): Promise<Echoes> {
  const end = performance.now() + durationMs;
  const times: number[] = [];
  const work = async (ask: () => Promise<unknown> | undefined) => {
    for (let now = performance.now(); now < end; ) {
      await ask();
      times.push(performance.now() - now);
      now = performance.now();
    }
  };
  await Promise.all(askers.map(work));
  return { count: times.length, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

async function stop(): Promise<null> {
  await scope.stop();
  return null;
}

playRole<AgentOrders>({ make, start, untilIn, cut, untilHad, echo, bareEcho, stop });
