// `idle`: what the agent costs while nothing happens, with 50 containers, against a bare Node process that only waits.
// The agent runs bundled, as a release ships it. usage: node bench/idle.ts [SECONDS]
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { startStack } from '../test/support/stack.ts';
import { bundleAgent } from './support/bundle.ts';
import { printTable, round } from './support/report.ts';

const SECONDS = Number(process.argv[2] ?? 300);
const SERVICES = 10;
const CONTAINERS_A_SERVICE = 5;
const TICKS_A_SECOND = 100; // USER_HZ is 100 on every Linux that Node runs on

const residentMb = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** User and system time of a process so far, in seconds (proc(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

await ensureImages();
const stack = await startStack({ agentEntry: await bundleAgent(), nodeArgs: ['--max-semi-space-size=1'] });
const compose = `services:\n${Array.from({ length: CONTAINERS_A_SERVICE }, (_, i) => `  s${i}: {image: "longshore-test/web:1"}\n`).join('')}`;
const names = Array.from({ length: SERVICES }, () => uniqueName('idle'));
for (const name of names) {
  const { body } = await stack.api.post('/api/services', { name, deploy_method: 'compose', compose });
  await stack.api.jobEnd(String(body['deploy_job_id']));
}
// A fresh agent: what it holds after a restart is what it holds for months.
await stack.agent.end('SIGTERM');
stack.agent.start();
await stack.untilConnected();

const bare: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], {
  env: { ...process.env, NODE_OPTIONS: '' },
});
const pids = { agent: stack.agent.pid, bare: bare.pid ?? 0 };
await sleep(5_000); // start-up garbage is not idling
const before = { agent: cpuSeconds(pids.agent), bare: cpuSeconds(pids.bare) };
await sleep(SECONDS * 1_000);

const row = (who: string, pid: number, cpuBefore: number) => ({
  process: who,
  'RSS, MB': round(residentMb(pid)),
  'CPU, % of a core': round(((cpuSeconds(pid) - cpuBefore) / SECONDS) * 100, 3),
  'RSS ratio': round(residentMb(pid) / residentMb(pids.bare), 2),
});
printTable(`idle: ${SECONDS} s with ${SERVICES * CONTAINERS_A_SERVICE} containers`, [
  row('bare Node', pids.bare, before.bare),
  row('agent', pids.agent, before.agent),
]);

bare.kill();
await stack.stop();
for (const name of names) await removeProject(name);
