// The log path: lines of one container to a client two hops away (agent → control → client), against `docker logs -f`
// and against dockerode alone, on the same container in the same run.
//
//     node bench/logs.ts            LINES=200000 for a shorter run, ROUNDS=3, SECRETS=20 to have lines searched for them
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Order, Report, Usage } from './support/log-roles.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const LINES = Number(process.env['LINES'] ?? 2_000_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const SOCKET = process.env['DOCKER_SOCKET'] ?? '/var/run/docker.sock';
const ROLES = fileURLToPath(new URL('support/log-roles.ts', import.meta.url));
const RSS_SAMPLE_MS = 50;
/** A small young generation: spent frames are off-heap memory that goes only when V8 collects, and it would let 64 MB pile up. */
const AGENT_FLAGS = ['--max-semi-space-size=1'];
/** 100 bytes with the newline, like an access log. */
const TEXT = 'GET /api/v1/orders/4711?expand=customer,lines HTTP/1.1 200 1532 "-" agent/2.4 rt=0.012 id=7f3a9c0d1';

const docker = async (...args: string[]) => (await promisify(execFile)('docker', args)).stdout.trim();

interface Result {
  ms: number;
  /** CPU a line in microseconds, of each process of ours that took part. */
  cpuUs: Record<string, number>;
  rssGrowthMb: number;
}

/** A process that plays one role, and the most memory it used. */
class Role {
  readonly #child: ChildProcess;
  #sampler: NodeJS.Timeout | undefined;
  mostRssBytes = 0;

  constructor(flags: string[] = []) {
    this.#child = fork(ROLES, { execArgv: flags });
  }

  async order(order: Order, wanted: keyof Report): Promise<Report> {
    const answer = this.next(wanted);
    this.#child.send(order);
    return answer;
  }

  async next(wanted: keyof Report): Promise<Report> {
    for (;;) {
      const [report] = (await once(this.#child, 'message')) as [Report];
      if (wanted in report) return report;
    }
  }

  async usage(): Promise<Usage> {
    const answer = this.next('usage');
    this.#child.send('usage');
    const { usage } = await answer;
    if (!usage) throw new TypeError('no usage');
    this.mostRssBytes = Math.max(this.mostRssBytes, usage.rssBytes);
    return usage;
  }

  watch(): void {
    this.#sampler = setInterval(() => void this.usage(), RSS_SAMPLE_MS);
  }

  end(): void {
    clearInterval(this.#sampler);
    this.#child.disconnect();
  }
}

/** Starts a container that writes the lines and stays; resolves when Docker has them all. */
async function writeLines(project: string): Promise<string> {
  const label = `com.docker.compose.project=${project}`;
  const script = `yes '${TEXT}' | head -n ${LINES}; sleep 86400`;
  const id = await docker(
    'run',
    '-d',
    '--init',
    '--name',
    `${project}-web-1`,
    '--label',
    label,
    'busybox:1',
    'sh',
    '-c',
    script,
  );
  await readByCli(id);
  return id;
}

/** `docker logs -f | head | wc`: head ends the follow after the last line. */
async function readByCli(container: string): Promise<void> {
  const pipe = `docker logs -f --timestamps "$1" 2>&1 | head -n ${LINES} | wc -l`;
  const child = spawn('sh', ['-c', pipe, 'sh', container], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [counted] = (await once(child.stdout, 'data')) as [Buffer];
  if (Number(counted.toString()) !== LINES) throw new RangeError(`docker logs gave ${counted.toString()} lines`);
}

async function measureCli(container: string): Promise<Result> {
  return { ms: await timeMs(() => readByCli(container)), cpuUs: {}, rssGrowthMb: Number.NaN };
}

async function measureDockerode(order: Omit<Order, 'role'>): Promise<Result> {
  const role = new Role();
  const before = await role.usage();
  role.watch();
  const ms = await timeMs(() => role.order({ ...order, role: 'dockerode' }, 'receivedBytes'));
  const result = { ms, cpuUs: { reader: await cpuSince(role, before) }, rssGrowthMb: growth(role, before) };
  role.end();
  return result;
}

async function measureLongshore(order: Omit<Order, 'role'>): Promise<Result> {
  const [agent, control, client] = [new Role(AGENT_FLAGS), new Role(), new Role()];
  const { port = 0 } = await control.order({ ...order, role: 'control' }, 'port');
  await agent.order({ ...order, port, role: 'agent' }, 'isReady');
  const before = await Promise.all([agent.usage(), control.usage()]);
  agent.watch();
  const ms = await timeMs(() => client.order({ ...order, port, role: 'client' }, 'receivedBytes'));
  const cpuUs = { agent: await cpuSince(agent, before[0]), control: await cpuSince(control, before[1]) };
  const result = { ms, cpuUs, rssGrowthMb: growth(agent, before[0]) };
  for (const role of [agent, control, client]) role.end();
  return result;
}

const cpuSince = async (role: Role, before: Usage) => (((await role.usage()).cpuMs - before.cpuMs) * 1000) / LINES;
const growth = (role: Role, before: Usage) => (role.mostRssBytes - before.rssBytes) / 1e6;

function toRow(name: string, results: Result[], peerMs: number): Record<string, string | number> {
  const median = percentile(
    results.map((result) => result.ms),
    0.5,
  );
  const best = results.find((result) => result.ms === median);
  const cpu = Object.entries(best?.cpuUs ?? {}).map(([who, us]) => `${who} ${round(us, 2)}`);
  return {
    reader: name,
    'lines/s': Math.round((LINES / median) * 1000),
    'MB/s': round((LINES * 100) / median / 1000),
    'vs docker logs -f': `${round(peerMs / median, 2)}×`,
    'CPU µs a line': cpu.join(', '),
    'RSS growth MB': Number.isNaN(best?.rssGrowthMb) ? '' : round(best?.rssGrowthMb ?? 0),
  };
}

async function main(): Promise<void> {
  const project = `bench-logs-${process.pid}`;
  const container = await writeLines(project);
  try {
    const order = { socketPath: SOCKET, project, container, port: 0, lines: LINES, source: 'files' as const };
    const results: Record<'cli' | 'dockerode' | 'files' | 'api', Result[]> = {
      cli: [],
      dockerode: [],
      files: [],
      api: [],
    };
    for (let n = 0; n < ROUNDS; n++) {
      results.cli.push(await measureCli(container));
      results.dockerode.push(await measureDockerode(order));
      results.files.push(await measureLongshore(order));
      results.api.push(await measureLongshore({ ...order, source: 'api' }));
    }
    const peerMs = percentile(
      results.cli.map((result) => result.ms),
      0.5,
    );
    printTable(`logs: ${LINES} lines of 100 bytes, follow, median of ${ROUNDS}`, [
      toRow('docker logs -f, wc', results.cli, peerMs),
      toRow('dockerode, demultiplexed', results.dockerode, peerMs),
      toRow('Longshore: agent → control → client', results.files, peerMs),
      toRow("Longshore, through the Engine's API", results.api, peerMs),
    ]);
  } finally {
    await docker('rm', '-f', '-v', container);
  }
}

await main();
