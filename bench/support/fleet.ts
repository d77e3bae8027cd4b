// A fleet for the bench: its control process, the processes with its agents, and what is measured of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { openFolder, removeFolder } from '../../test/support/folder.ts';
import { freePort } from '../../test/support/free-port.ts';
import type { AgentOrders, ControlOrders, Echoes, Started } from './fleet-roles.ts';
import { Panel } from './panel.ts';
import { percentile, round } from './report.ts';
import { RoleProcess } from './roles.ts';

export interface FleetOptions {
  agents: number;
  tls: 'auto' | 'off';
  /** With agents in them. */
  processes: number;
}

type Row = Record<string, string | number>;

const ROLES = { control: './fleet-control.ts', agents: './fleet-agents.ts' };
const IDLE_MS = 15_000;
const ECHO_MS = 3_000;
const BASE_DOMAIN = 'apps.bench.example';
const MB = 1e6;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #dir = openFolder('fleet-bench');
  readonly #agents: RoleProcess<AgentOrders>[];
  #control = startProcess();
  #port = 0;
  #at: Started = { url: '', key: '', controlPin: '', tlsPin: null };
  /** Of control without agents; null: of this process nobody knows. */
  #restBytes: number | null = 0;
  #commands = 0;

  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    await fleet.#fill();
    return fleet;
  }

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.#agents = Array.from({ length: options.processes }, () => new RoleProcess<AgentOrders>(ROLES.agents));
  }

  async connect(): Promise<Row> {
    const { url, controlPin, tlsPin } = this.#at;
    return await this.#returnOf(() => this.#tell('start', { url, controlPin, tlsPin }));
  }

  async storm(): Promise<Row> {
    return await this.#returnOf(() => this.#tell('cut', null));
  }

  /** Another process at the same address, now with a name for each service. */
  async restart(): Promise<Row> {
    await this.#control.order('stop', null);
    this.#control.end();
    this.#control = startProcess();
    this.#restBytes = null;
    const row = await this.#returnOf(() => this.#start(BASE_DOMAIN));
    await this.#untilHad(++this.#commands);
    return row;
  }

  async idle(): Promise<Row> {
    const control = this.#control;
    await control.order('settle', null);
    await control.order('lag', null);
    const before = await control.usage();
    const panel = new Panel(this.#at);
    await sleep(IDLE_MS);
    const calls = await panel.close();
    const after = await control.usage();
    await control.order('settle', null);
    const { rssBytes } = await control.usage();
    return {
      'control RSS, MB': round(rssBytes / MB),
      'KB an agent': this.#restBytes === null ? '' : round((rssBytes - this.#restBytes) / this.#options.agents / 1e3),
      'CPU, % of a core': round((after.cpuMs - before.cpuMs) / (IDLE_MS / 100)),
      ...(await this.#lag()),
      ...calls,
    };
  }

  /** `asking` agents each ask control for an echo, and as many bare sockets a bare server. */
  async echo(asking: number): Promise<Row> {
    const { url } = await this.#control.order('bareEcho', null);
    const share = this.#share(asking);
    const ours = await this.#cpuOf(() => this.#askAll('echo', (i) => ({ agents: share(i), durationMs: ECHO_MS })));
    const bare = await this.#cpuOf(() =>
      this.#askAll('bareEcho', (i) => ({ url, sockets: share(i), durationMs: ECHO_MS })),
    );
    return {
      asking,
      'bare ws, p50 / p99 ms': `${round(bare.p50Ms, 2)} / ${round(bare.p99Ms, 2)}`,
      'ours, p50 / p99 ms': `${round(ours.p50Ms, 2)} / ${round(ours.p99Ms, 2)}`,
      'ratio of p50': round(ours.p50Ms / bare.p50Ms, 2),
      'bare, /s': Math.round((bare.count * 1000) / ECHO_MS),
      'ours, /s': Math.round((ours.count * 1000) / ECHO_MS),
      'CPU µs, bare / ours': `${round((bare.cpuMs * 1000) / bare.count)} / ${round((ours.cpuMs * 1000) / ours.count)}`,
    };
  }

  /** A schedule for all services: one write, one command for each host. */
  async dispatch(): Promise<Row> {
    const panel = new Panel(this.#at);
    await this.#control.order('lag', null);
    const since = Date.now();
    const had = this.#untilHad(++this.#commands);
    await panel.post('/api/schedules', { name: 'bench', kind: 'restart', cron: '0 4 * * *', targets: { all: true } });
    const answeredMs = Date.now() - since;
    const times = (await had).map((at) => (at - since) / 1000);
    return {
      'answered, s': round(answeredMs / 1000, 2),
      'half of them, s': round(percentile(times, 0.5), 2),
      'the last, s': round(Math.max(...times), 2),
      ...(await this.#lag()),
      ...(await panel.close()),
    };
  }

  async close(): Promise<void> {
    for (const process of this.#agents) process.end();
    this.#control.end();
    await removeFolder(this.#dir);
  }

  async #fill(): Promise<void> {
    const share = this.#share(this.#options.agents);
    const made = await Promise.all(this.#agents.map((process, i) => process.order('make', { agents: share(i) })));
    const keys = made.flatMap((each) => each.keys);
    await this.#control.order('fill', { dataDir: this.#dir, keys });
    this.#control.end();
    this.#control = startProcess(); // the memory of filling is not that of serving
    this.#port = await freePort();
    await this.#start(null);
    await this.#control.order('settle', null);
    this.#restBytes = (await this.#control.usage()).rssBytes;
  }

  async #start(baseDomain: string | null): Promise<void> {
    const { tls } = this.#options;
    this.#at = await this.#control.order('start', { dataDir: this.#dir, port: this.#port, tls, baseDomain });
  }

  /** How all come in after `begin`. */
  async #returnOf(begin: () => Promise<unknown>): Promise<Row> {
    await this.#control.order('lag', null);
    const before = await this.#control.usage();
    const since = Date.now();
    await begin();
    const panel = new Panel(this.#at);
    const answers = await Promise.all(this.#agents.map((process) => process.order('untilIn', { since })));
    const times = answers.flatMap(({ inAt }) => inAt).map((at) => (at - since) / 1000);
    const after = await this.#control.usage();
    return {
      'half, s': round(percentile(times, 0.5)),
      'all, s': round(Math.max(...times)),
      'CPU, s': round((after.cpuMs - before.cpuMs) / 1000),
      ...(await this.#lag()),
      ...(await panel.close()),
      'most RSS, MB': Math.round(after.mostRssBytes / MB),
    };
  }

  async #lag(): Promise<Row> {
    const { p50Ms, p99Ms, mostMs } = await this.#control.order('lag', null);
    return { 'lag p50 / p99 / most, ms': `${round(p50Ms)} / ${round(p99Ms)} / ${round(mostMs)}` };
  }

  async #untilHad(commands: number): Promise<number[]> {
    const answers = await Promise.all(this.#agents.map((process) => process.order('untilHad', { commands })));
    return answers.flatMap(({ hadAt }) => hadAt);
  }

  async #tell<Name extends 'start' | 'cut'>(name: Name, order: AgentOrders[Name][0]): Promise<void> {
    await Promise.all(this.#agents.map((process) => process.order(name, order)));
  }

  async #askAll<Name extends 'echo' | 'bareEcho'>(
    name: Name,
    orderFor: (i: number) => AgentOrders[Name][0],
  ): Promise<Echoes> {
    const all = await Promise.all(this.#agents.map((process, i) => process.order(name, orderFor(i))));
    const parts = all.filter(({ count }) => count > 0);
    const most = (figure: 'p50Ms' | 'p99Ms') => Math.max(...parts.map((part) => part[figure]));
    return { count: parts.reduce((sum, { count }) => sum + count, 0), p50Ms: most('p50Ms'), p99Ms: most('p99Ms') };
  }

  async #cpuOf<T>(work: () => Promise<T>): Promise<T & { cpuMs: number }> {
    const before = await this.#control.usage();
    const result = await work();
    return { ...result, cpuMs: (await this.#control.usage()).cpuMs - before.cpuMs };
  }

  /** So many things over the processes, as evenly as it goes. */
  #share(things: number): (i: number) => number {
    const { processes } = this.#options;
    return (i) => Math.floor(things / processes) + (i < things % processes ? 1 : 0);
  }
}

/** `FLAGS`: of Node, `--cpu-prof` say. */
const startProcess = () =>
  new RoleProcess<ControlOrders>(ROLES.control, ['--expose-gc', ...(process.env['FLAGS']?.split(' ') ?? [])]);
