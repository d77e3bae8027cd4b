// `deploy`: from POST to running against `docker compose up -d`, with `--wait` and without, on the same file, cold and with
// nothing to do.
// usage: node bench/deploy.ts [ROUNDS]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { type Stack, startStack } from '../test/support/stack.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const SIZES = [1, 5, 20];

const composeOf = (size: number) =>
  `services:\n${Array.from({ length: size }, (_, i) => `  s${i}: {image: "longshore-test/web:1", stop_grace_period: 1s}\n`).join('')}`;

const median = (samples: number[]) => percentile(samples, 0.5);

/** The deploy as a user waits for it: the POST, then the job's end by the live socket. */
async function deployByApi(stack: Stack, name: string, compose: string): Promise<string> {
  return finish(stack, () => stack.api.post('/api/services', { name, deploy_method: 'compose', compose }));
}

async function finish(
  stack: Stack,
  ask: () => Promise<{ status: number; body: Record<string, unknown> }>,
): Promise<string> {
  const live = stack.api.live('/api/ws');
  await live.opened;
  const ended = new Promise<void>((resolve, reject) => {
    live.socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as { type: string; step?: string; state?: string };
      if (message.type !== 'deploy.progress' || message.step !== 'job') return;
      if (message.state === 'succeeded') resolve();
      else reject(new Error(`the deploy ended ${JSON.stringify(message)}`));
    });
  });
  const { status, body } = await ask();
  if (status >= 300) throw new Error(`answered ${status} ${JSON.stringify(body)}`);
  await ended;
  live.socket.close();
  return String(body['id']);
}

await ensureImages();
const stack = await startStack();
const folder = mkdtempSync(join(tmpdir(), 'longshore-bench-'));
const rows = [];
for (const size of SIZES) {
  const file = join(folder, 'compose.yaml');
  writeFileSync(file, composeOf(size));
  const times = {
    composeWaiting: [] as number[],
    compose: [] as number[],
    ours: [] as number[],
    composeAgain: [] as number[],
    oursAgain: [] as number[],
  };
  for (let i = 0; i < ROUNDS; i++) {
    const [waiting, peer, own] = [uniqueName('waiting'), uniqueName('peer'), uniqueName('own')];
    const up = (project: string, ...flags: string[]) =>
      timeMs(() => docker(['compose', '-p', project, '-f', file, 'up', '-d', ...flags]));
    times.composeWaiting.push(await up(waiting, '--wait'));
    await removeProject(waiting);
    times.compose.push(await up(peer));
    times.composeAgain.push(await up(peer));
    await removeProject(peer);
    let id = '';
    times.ours.push(await timeMs(async () => (id = await deployByApi(stack, own, composeOf(size)))));
    const redeploy = () => stack.api.post(`/api/services/${id}/redeploy`, { pull: 'missing' });
    times.oursAgain.push(await timeMs(() => finish(stack, redeploy)));
    await stack.api.delete(`/api/services/${id}`);
  }
  const compare = (what: string, peer: number[], ours: number[]) => ({
    services: size,
    what,
    'docker compose, ms': round(median(peer), 0),
    'API, ms': round(median(ours), 0),
    ratio: round(median(ours) / median(peer), 2),
  });
  rows.push(compare('cold, up -d --wait', times.composeWaiting, times.ours));
  rows.push(compare('cold, up -d', times.compose, times.ours));
  rows.push(compare('nothing to do, up -d', times.composeAgain, times.oursAgain));
}
printTable(`deploy: POST to running, median of ${ROUNDS}`, rows);
rmSync(folder, { recursive: true });
await stack.stop();
