// `dispatch`: a restart through the API against the same call on the Docker socket, in turn, so that both meet the same
// machine. usage: node bench/dispatch.ts [ROUNDS]
import { Client } from 'undici';
import { docker, ensureImages, removeProject, uniqueName } from '../test/support/docker.ts';
import { startStack } from '../test/support/stack.ts';
import { percentile, printTable, round, timeMs } from './support/report.ts';

const ROUNDS = Number(process.argv[2] ?? 60);
const name = uniqueName('bench');

await ensureImages();
const stack = await startStack();
const compose = 'services:\n  web: {image: "longshore-test/web:1"}\n';
const { body } = await stack.api.post<{ id: string; deploy_job_id: string }>('/api/services', {
  name,
  deploy_method: 'compose',
  compose,
});
await stack.api.jobEnd(body.deploy_job_id);
const container = await docker(['ps', '-q', '--filter', `label=com.docker.compose.project=${name}`]);

const socket = new Client('http://docker', { socketPath: '/var/run/docker.sock' });
const bySocket = async () => {
  const answer = await socket.request({ method: 'POST', path: `/containers/${container}/restart` });
  await answer.body.dump();
};
const byApi = async () => {
  const { status } = await stack.api.post(`/api/services/${body.id}/restart`);
  if (status !== 200) throw new Error(`restart answered ${status}`);
};

const times: { socket: number[]; api: number[] } = { socket: [], api: [] };
await bySocket();
await byApi();
for (let i = 0; i < ROUNDS; i++) {
  times.socket.push(await timeMs(bySocket));
  times.api.push(await timeMs(byApi));
}

const row = (quantile: number, label: string) => {
  const [direct, ours] = [percentile(times.socket, quantile), percentile(times.api, quantile)];
  return {
    quantile: label,
    'Docker socket, ms': round(direct),
    'API, ms': round(ours),
    'more, ms': round(ours - direct),
    ratio: round(ours / direct, 3),
  };
};
printTable(`dispatch: restart, ${ROUNDS} times each`, [row(0.5, 'p50'), row(0.9, 'p90'), row(0.99, 'p99')]);

await socket.close();
await stack.stop();
await removeProject(name);
