// `rollback`: how long after its health timeout a deploy that never gets healthy is back on the revision before, from the
// POST to that revision healthy again. usage: node bench/rollback.ts [ROUNDS]
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { startStack } from '../test/support/stack.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const HEALTH_TIMEOUT_S = 5;

/** A bad one stays in its start period until the deploy gives up. */
const composeOf = (probe: string, order: string) => `
services:
  web:
    image: longshore-test/web:1
    healthcheck: {test: [CMD, "${probe}"], interval: 1s, start_period: 60s, start_interval: 100ms}
    deploy: {update_config: {order: ${order}}}
`;

await ensureImages();
const stack = await startStack();

async function back(order: string): Promise<number> {
  const name = uniqueName('bench');
  const { body } = await stack.api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: composeOf('true', order),
    health_timeout_s: HEALTH_TIMEOUT_S,
  });
  await stack.api.jobEnd(body.deploy_job_id);
  const path = `/api/services/${body.id}`;
  const tookMs = await timeMs(async () => {
    const change = { compose: composeOf('false', order) };
    const answer = await stack.api.call<{ deploy_job_id: string }>('PATCH', path, change);
    const { state } = await stack.api.jobEnd(answer.body.deploy_job_id);
    if (state !== 'failed') throw new Error(`the bad deploy ${state}`);
  });
  const health = ['ps', '--filter', `label=com.docker.compose.project=${name}`, '--format', '{{.Status}}'];
  const status = await docker(health);
  if (!status.includes('(healthy)')) throw new Error(`afterwards it is ${status}`);
  await stack.api.delete(path);
  await removeProject(name);
  return tookMs - HEALTH_TIMEOUT_S * 1000;
}

const rows = [];
for (const order of ['stop-first', 'start-first']) {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i++) samples.push(await back(order));
  const [median, most] = [percentile(samples, 0.5), Math.max(...samples)];
  rows.push({ order, 'median, ms': round(median, 0), 'at most, ms': round(most, 0) });
}
printTable(`rollback: POST to the old revision healthy again, less a health timeout of ${HEALTH_TIMEOUT_S} s`, rows);
await stack.stop();
