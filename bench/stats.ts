// `stats`: CPU of all processes for one look at 50 containers: a round of the agent, which also keeps it and measures the
// host, against `docker stats --no-stream` and Docker's API asked once for each. What Docker's daemons do for others is
// measured just before and taken off. usage: node bench/stats.ts [REPETITIONS]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { createDockerEngine } from '../agent/docker/docker-engine.ts';
import { startStats } from '../agent/stats/stats.ts';
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { eventually } from '../test/support/eventually.ts';
import { ManualClock } from '../test/support/manual-clock.ts';
import { percentile, printTable, round } from './support/report.ts';

const REPETITIONS = Number(process.argv[2] ?? 7);
/** Five minutes: each container is inspected once in that time. */
const ROUNDS = 30;
const CONTAINERS = 50;
const SOCKET = '/var/run/docker.sock';
const ROUND_MS = 10_000;
const IDLE_MS = 1_000;
const MS_A_TICK = 10; // USER_HZ is 100
const DAEMONS = /^(dockerd|containerd|containerd-shim)$/;

/** User and system time of a process so far, and of its children that ended, in milliseconds (proc(5), fields 14–17). */
function cpuMs(pid: number | string, field: 'own' | 'children'): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const first = field === 'own' ? 11 : 13;
  return (Number(fields[first]) + Number(fields[first + 1])) * MS_A_TICK;
}

const daemons = readdirSync('/proc').filter((pid) => {
  try {
    return /^\d+$/.test(pid) && DAEMONS.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  } catch {
    return false;
  }
});
const daemonMs = () =>
  daemons.reduce((sum, pid) => {
    try {
      return sum + cpuMs(pid, 'own');
    } catch {
      return sum; // a shim whose container ended
    }
  }, 0);

/** Median over repetitions, each with what the daemons did for others just before it. */
async function measure(rounds: number, work: () => Promise<unknown>) {
  const all: { ours: number; daemons: number }[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    const idle = daemonMs();
    await sleep(IDLE_MS);
    const idleShare = (daemonMs() - idle) / IDLE_MS;
    const before = {
      own: process.cpuUsage(),
      children: cpuMs('self', 'children'),
      daemons: daemonMs(),
      at: Date.now(),
    };
    for (let each = 0; each < rounds; each++) await work();
    const own = process.cpuUsage(before.own);
    const ours = (own.user + own.system) / 1000 + cpuMs('self', 'children') - before.children;
    const daemons = daemonMs() - before.daemons - idleShare * (Date.now() - before.at);
    all.push({ ours: ours / rounds, daemons: Math.max(0, daemons / rounds) });
  }
  const median = (field: 'ours' | 'daemons') =>
    percentile(
      all.map((one) => one[field]),
      0.5,
    );
  return { ours: median('ours'), daemons: median('daemons') };
}

await ensureImages();
const name = uniqueName('stats');
const image =
  '{image: "busybox:1", init: true, command: sleep 100000, stop_grace_period: 0s, labels: {longshore.service: svc_bench}}';
const services = Array.from({ length: CONTAINERS }, (_, i) => `  s${i}: ${image}\n`).join('');
const dir = mkdtempSync(join(tmpdir(), 'longshore-bench-'));
spawnSync('docker', ['compose', '-p', name, '-f', '-', 'up', '-d'], { input: `services:\n${services}` });
const ids = (await docker(['ps', '-q', '--no-trunc', '--filter', `label=com.docker.compose.project=${name}`])).split(
  '\n',
);

const scope = new Scope(silentLogger());
const clock = new ManualClock();
const real = createDockerEngine({ socketPath: SOCKET });
const engine = {
  listAll: () => real.listAll(),
  findContainer: (id: string) => real.findContainer(id),
  readUsage: (id: string) => real.readUsage(id),
  // Asked every five minutes and every hour, in the background.
  listVolumeSizes: () => Promise.resolve([]),
  measureDisk: () => Promise.reject(new Error('not measured here')),
};
const stats = startStats(
  {
    dataDir: dir,
    services: { names: () => [{ serviceId: 'svc_bench', name }], secretsOf: () => [] },
    engine,
    hub: { subscribe: () => () => undefined },
    tell: () => undefined,
    tellHost: () => undefined,
    clock,
    log: silentLogger(),
  },
  scope,
);
const agentRound = async () => {
  clock.advance(ROUND_MS);
  while (clock.pending !== 1) await sleep(1); // spinning would be counted
};
await eventually(() => clock.pending === 1);
await agentRound();
const seen = (await stats.service({ serviceId: 'svc_bench' })).containers;
if (seen.length !== CONTAINERS || seen.some(({ cpuCores }) => cpuCores === null))
  throw new Error('not all are measured');

const peers = [
  { who: '`docker stats --no-stream`', rounds: 2, work: () => docker(['stats', '--no-stream', ...ids]) },
  { who: "Docker's API, once for each", rounds: 5, work: () => Promise.all(ids.map((id) => real.readUsage(id))) },
  { who: 'a round of the agent', rounds: ROUNDS, work: agentRound },
];
const rows = [];
for (const { who, rounds, work } of peers) {
  await work(); // what is compiled and opened once is not a part of it
  const { ours, daemons: theirs } = await measure(rounds, work);
  rows.push({
    what: who,
    'asking, ms': round(ours),
    'Docker, ms': round(theirs),
    'together, ms': round(ours + theirs),
  });
}
const agent = rows.at(-1)?.['together, ms'] ?? 0;
printTable(
  `stats: CPU for one look at ${CONTAINERS} containers`,
  rows.map((row) => ({ ...row, ratio: round(row['together, ms'] / agent) })),
);

await scope.stop();
rmSync(dir, { recursive: true });
await removeProject(name);
