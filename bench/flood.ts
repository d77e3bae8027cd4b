// `flood`: a container writes a million lines in one burst while ten follow it, one of them slowly. What each was sent and
// what it was told it missed must be what was written; a quiet service of the same host is followed meanwhile.
// usage: node bench/flood.ts [LINES]
import { docker, ensureImages, uniqueName } from '../test/support/docker.ts';
import { eventually } from '../test/support/eventually.ts';
import type { FloodOrders } from './support/flood-roles.ts';
import { printTable, round } from './support/report.ts';
import { RoleProcess } from './support/roles.ts';

const LINES = Number(process.argv[2] ?? 1_000_000);
const FOLLOWERS = 10;
const SOCKET = process.env['DOCKER_SOCKET'] ?? '/var/run/docker.sock';
/** As systemd/longshore-agent.service has it. */
const AGENT_FLAGS = ['--max-semi-space-size=1'];
/** A slow follower takes a frame of 64 KiB this often. */
const SLOW_PAUSE_MS = 50;
const TEXT = 'GET /api/v1/orders/4711?expand=customer,lines HTTP/1.1 200 1532 "-" agent/2.4 rt=0.012 id=7f3a9c0d1';
const BURST = `until [ -e /go ]; do sleep 0.05; done; yes '${TEXT}' | head -n ${LINES}; echo written; sleep 86400`;
const QUIET = 'while :; do echo tick; sleep 0.1; done';

/** One more than the lines of the burst: the last one says that it is over. */
const WRITTEN = LINES + 1;
const isSlow = (follower: number) => follower === FOLLOWERS - 1;
const pauseMsOf = (follower: number) => (isSlow(follower) ? SLOW_PAUSE_MS : 0);

type Role = RoleProcess<FloodOrders>;
const startRole = (flags: string[] = []): Role => new RoleProcess('flood-roles.ts', flags);

interface Parties {
  control: Role;
  agent: Role;
  watcher: Role;
  followers: Role[];
}

async function runContainer(project: string, script: string): Promise<string> {
  const label = `com.docker.compose.project=${project}`;
  const name = `${project}-web-1`;
  return docker(['run', '-d', '--init', '--name', name, '--label', label, 'busybox:1', 'sh', '-c', script]);
}

/** What a process used from here until the returned function is called. */
async function observe(role: Role) {
  const before = await role.usage();
  const startedAt = performance.now();
  return async () => {
    const { cpuMs: cpuAfter, mostRssBytes } = await role.usage();
    const cpuMs = cpuAfter - before.cpuMs;
    const cores = cpuMs / (performance.now() - startedAt);
    return { cpuMs, cores, restMb: before.rssBytes / 1e6, mostMb: mostRssBytes / 1e6 };
  };
}

async function startParties(projects: Record<string, string>): Promise<Parties> {
  const [control, agent, watcher] = [startRole(), startRole(AGENT_FLAGS), startRole()];
  const followers = Array.from({ length: FOLLOWERS }, () => startRole());
  const { port } = await control.order('control', null);
  await agent.order('agent', { socketPath: SOCKET, port, projects });
  await watcher.order('follow', { port, serviceId: 'quiet', pauseMs: 0, isTimed: true });
  const order = { port, serviceId: 'loud', isTimed: false };
  await Promise.all(followers.map((one, i) => one.order('follow', { ...order, pauseMs: pauseMsOf(i) })));
  return { control, agent, watcher, followers };
}

async function flood(loud: string, { control, agent, watcher, followers }: Parties): Promise<void> {
  const [agentUsage, controlUsage] = [await observe(agent), await observe(control)];
  const startedAt = performance.now();
  await docker(['exec', `${loud}-web-1`, 'touch', '/go']);
  const count = async (one: Role) => {
    const counted = await one.order('count', { lines: WRITTEN });
    return { ...counted, seconds: (performance.now() - startedAt) / 1000 };
  };
  const counted = await Promise.all(followers.map(count));
  printCounts(counted);
  printUsage({ agent: await agentUsage(), control: await controlUsage() });
  const { lines, p99Ms, mostMs } = await watcher.order('lateness', null);
  printTable('a quiet service of the same host', [{ lines, 'late at p99, ms': p99Ms, 'at most, ms': mostMs }]);
  if (counted.some(({ delivered, missed }) => delivered + missed !== WRITTEN)) process.exitCode = 1;
}

function printCounts(counted: { delivered: number; missed: number; seconds: number }[]): void {
  const rows = counted.map(({ delivered, missed, seconds }, i) => ({
    follower: isSlow(i) ? `${i + 1}, slow` : i + 1,
    delivered,
    'told as missed': missed,
    together: delivered + missed,
    seconds: round(seconds),
  }));
  printTable(`flood: ${WRITTEN} lines written, ${FOLLOWERS} followers`, rows);
}

function printUsage(used: Record<string, { cpuMs: number; cores: number; restMb: number; mostMb: number }>): void {
  const rows = Object.entries(used).map(([process, { cpuMs, cores, restMb, mostMb }]) => ({
    process,
    'CPU, s': round(cpuMs / 1000, 2),
    'of a core': round(cores, 2),
    'µs a line': round((cpuMs * 1000) / WRITTEN, 2),
    'RSS before, MB': round(restMb),
    'at most, MB': round(mostMb),
  }));
  printTable('the processes meanwhile', rows);
}

await ensureImages();
const projects = { loud: uniqueName('flood'), quiet: uniqueName('quiet') };
const containers = [await runContainer(projects.loud, BURST), await runContainer(projects.quiet, QUIET)];
try {
  await eventually(async () => (await docker(['logs', `${projects.quiet}-web-1`])).includes('tick'));
  const parties = await startParties(projects);
  await flood(projects.loud, parties);
  for (const role of [...parties.followers, parties.watcher, parties.agent, parties.control]) role.end();
} finally {
  await docker(['rm', '-f', '-v', ...containers]);
}
