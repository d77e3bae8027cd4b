// A customer is suspended and resumed, with real containers: they stop, their volumes stay, exactly those that ran come
// back. In between everything is killed and starts again.
import t from 'tap';
import { Api } from '../support/api.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';

/** Writes down when it first started, once; fails a start that does not find it. */
const KEEPER = `
services:
  app:
    image: busybox:1
    init: true
    stop_grace_period: 1s
    command: ["sh", "-c", "[ -s /data/first ] || date +%s%N > /data/first; exec sleep 1000"]
    volumes: ["data:/data"]
volumes: {data: {}}
`;

/** Stays in its deploy: it is not healthy before anybody says so. */
const SLOW = KEEPER.replace(
  '    volumes: [',
  '    healthcheck: {test: ["CMD", "test", "-e", "/data/ready"], interval: 1s, retries: 1000}\n    volumes: [',
);

/** Names of the containers of a project that run. */
const running = async (project: string): Promise<string[]> => {
  const filter = `label=com.docker.compose.project=${project}`;
  const names = await docker(['ps', '--filter', filter, '--format', '{{.Names}}']);
  return names === '' ? [] : names.split('\n');
};

const readVolume = (project: string, file: string) =>
  docker(['run', '--rm', '-v', `${project}_data:/data`, 'busybox:1', 'cat', `/data/${file}`]);

void t.test('a suspended customer keeps its data, and gets back exactly what ran', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const limits = { services: 4, cpu: 2, memory_mb: 256 };
  const plan = await api.post('/api/plans', { name: 'Small', limits });
  const customer = await api.post('/api/customers', { name: 'Acme', plan_id: plan.body['id'] });
  const path = `/api/customers/${String(customer.body['id'])}`;
  const deploy = async (name: string, compose = KEEPER) => {
    const body = { name, deploy_method: 'compose', compose, customer_id: customer.body['id'] };
    const { body: made } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
    return { name, id: made.id, jobId: made.deploy_job_id };
  };
  const statusOf = async (id: string) => (await api.get<{ status: string }>(`/api/services/${id}`)).body.status;

  const runs = await deploy(uniqueProject(t, 'susp-runs'));
  const stopped = await deploy(uniqueProject(t, 'susp-stopped'));
  for (const { jobId } of [runs, stopped]) t.match(await api.jobEnd(jobId), { state: 'succeeded' });
  t.equal((await api.post(`/api/services/${stopped.id}/stop`)).status, 200);
  const slow = await deploy(uniqueProject(t, 'susp-slow'), SLOW);
  await eventually(() => running(slow.name), { until: (names) => names.length === 1, timeoutMs: 60_000 });
  const [container = ''] = await running(runs.name);
  t.equal(await docker(['inspect', '-f', '{{.HostConfig.Memory}}', container]), String(64 * 1024 ** 2), 'its share');
  const first = await readVolume(runs.name, 'first');

  const suspended = await api.post<{ job_ids: string[] }>(`${path}/suspend`);
  t.match(suspended, { status: 200, body: { status: 'suspended', job_ids: { length: 2 } } });
  await up.kill();
  await up.start();
  for (const id of suspended.body.job_ids) t.match(await api.jobEnd(id), { state: 'succeeded' });
  for (const { name, id } of [runs, stopped, slow]) {
    t.same(await running(name), [], name);
    t.equal(await statusOf(id), 'stopped');
  }
  t.match(await api.jobEnd(slow.jobId), { state: 'superseded' });
  t.equal(await readVolume(runs.name, 'first'), first, 'its volume is as it was');
  const refused = await api.post(`/api/services/${runs.id}/start`);
  t.match(refused, { status: 409, body: { error: { code: 'customer_suspended' } } });

  const resumed = await api.post<{ job_ids: string[] }>(`${path}/resume`);
  t.match(resumed, { status: 200, body: { status: 'active', job_ids: { length: 2 } } });
  await eventually(() => running(slow.name), { until: (names) => names.length === 1, timeoutMs: 60_000 });
  await docker(['exec', (await running(slow.name))[0] ?? '', 'touch', '/data/ready']);
  for (const id of resumed.body.job_ids) t.match(await api.jobEnd(id), { state: 'succeeded' });
  t.same(await running(runs.name), [container], 'the same container');
  t.equal(await readVolume(runs.name, 'first'), first);
  t.same(await running(stopped.name), []);
  for (const [{ id }, status] of [
    [runs, 'running'],
    [stopped, 'stopped'],
    [slow, 'running'],
  ] as const) {
    t.equal(await statusOf(id), status);
  }
  const { body } = await api.get<{ data: { message: string }[] }>(`/api/services/${runs.id}/events?order=asc`);
  const messages = body.data.map(({ message }) => message);
  for (const message of ['Stopped: customer suspended', 'Started: customer resumed']) t.ok(messages.includes(message));
  for (const { id } of [runs, stopped, slow]) t.equal((await api.delete(`/api/services/${id}`)).status, 204);
  t.equal((await api.delete(path)).status, 204);
});
