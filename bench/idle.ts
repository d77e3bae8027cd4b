// `idle`: what the agent costs while nothing happens, with 50 containers, against a bare Node process with the same flags
// that only waits; and what passes on its link meanwhile. The agent runs bundled, as a release ships it, and with the
// settings of systemd/longshore-agent.service. usage: node bench/idle.ts [SECONDS]
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { freePort } from '../test/support/free-port.ts';
import { type Stack, startStack } from '../test/support/stack.ts';
import { bundleAgent } from './support/bundle.ts';
import { printTable, round } from './support/report.ts';
import { startWireMeter } from './support/wire-meter.ts';

const SECONDS = Number(process.argv[2] ?? 600);
const SERVICES = 10;
const CONTAINERS_A_SERVICE = 5;
/** Start-up is not idling: its garbage, the first reports. */
const SETTLE_MS = 15_000;
const FLAGS = ['--max-semi-space-size=1'];
const TICKS_A_SECOND = 100; // USER_HZ is 100 on every Linux that Node runs on

interface Usage {
  rssMb: number;
  /** What no other process could share. */
  anonymousMb: number;
  cpuS: number;
}

/** Of a process so far; the times are fields 14 and 15 of proc(5). */
function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const cpuS = (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  return { rssMb: mb('VmRSS'), anonymousMb: mb('RssAnon'), cpuS };
}

/** A bundle is an agent of its own; one that has just started holds what it holds for months. */
async function deployAndRestart(stack: Stack, names: string[]): Promise<void> {
  const { api, agent } = stack;
  const lines = Array.from({ length: CONTAINERS_A_SERVICE }, (_, i) => `  s${i}: {image: "longshore-test/web:1"}\n`);
  const compose = `services:\n${lines.join('')}`;
  for (const name of names) {
    const { body } = await api.post('/api/services', { name, deploy_method: 'compose', compose });
    await api.jobEnd(String(body['deploy_job_id']));
  }
  await agent.end('SIGTERM');
  agent.start();
  await stack.untilConnected();
}

function startBareNode(): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '' };
  return spawn(process.execPath, [...FLAGS, '-e', 'setInterval(() => {}, 60_000)'], { env });
}

async function measure(stack: Stack, bare: ChildProcess, passed: { up: number; down: number }): Promise<void> {
  await sleep(SETTLE_MS);
  const pids = { 'bare Node': bare.pid ?? 0, agent: stack.agent.pid };
  const before = Object.entries(pids).map(([who, pid]) => ({ who, pid, cpuS: usageOf(pid).cpuS }));
  const wire = { ...passed };
  await sleep(SECONDS * 1_000);
  const { rssMb: bareMb } = usageOf(pids['bare Node']);
  const rows = before.map(({ who, pid, cpuS: cpuBefore }) => {
    const { rssMb, anonymousMb, cpuS } = usageOf(pid);
    return {
      process: who,
      'RSS, MB': round(rssMb),
      'anonymous, MB': round(anonymousMb),
      'RSS ratio': round(rssMb / bareMb, 2),
      'CPU, % of a core': round(((cpuS - cpuBefore) / SECONDS) * 100, 3),
    };
  });
  const kbPerHour = (bytes: number) => round((bytes / SECONDS) * 3.6, 0);
  printTable(`idle: ${SECONDS} s with ${SERVICES * CONTAINERS_A_SERVICE} containers`, rows);
  printTable(`the link in these ${SECONDS} s`, [
    { direction: 'agent → control', bytes: passed.up - wire.up, 'kB an hour': kbPerHour(passed.up - wire.up) },
    { direction: 'control → agent', bytes: passed.down - wire.down, 'kB an hour': kbPerHour(passed.down - wire.down) },
  ]);
}

await ensureImages();
const port = await freePort();
const meter = await startWireMeter(port);
const agentEntry = await bundleAgent();
const controlEnv = { LONGSHORE_PUBLIC_URL: meter.url };
const stack = await startStack({ agentEntry, nodeArgs: FLAGS, port, controlEnv });
const names = Array.from({ length: SERVICES }, () => uniqueName('idle'));
const bare = startBareNode();
try {
  await deployAndRestart(stack, names);
  await measure(stack, bare, meter.passed);
} finally {
  bare.kill();
  await stack.stop();
  meter.close();
  for (const name of names) await removeProject(name);
}
