// PhoenixPanel's Services API from outside: the examples of its document as they stand, tasks that work on real
// containers, and our own API and webhooks beside it. What `cleanup` does is not tried on an engine that others use:
// test/docker/image-updates.test.ts has it.
import t from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { codeBlocks, runCurls } from '../support/examples.ts';
import { startStack } from '../support/stack.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

const COMPOSE = `services:
  web:
    image: busybox:1
    command: [sleep, "1000"]
    init: true
    stop_grace_period: 0s
    volumes: ["data:/data"]
volumes: { data: {} }
`;
const HOST = 'https://your-panel-domain.com';
const BASE = '/api/v1/services';
/** What the documents promise of any two of our APIs. */
const SAME_TRUTH = { timeoutMs: 2_000 };
const PATIENCE = { timeoutMs: 60_000 };

interface View {
  id: string;
  name: string;
  status: string;
  type: string;
}
interface Health {
  status: string;
  uptime_seconds: number | null;
  resource_usage: Record<string, number | null>;
  recent_errors: { level: string; message: string }[];
  performance: Record<string, number | null>;
}
interface Run {
  state: string;
  targets: { service_name: string | null; state: string; reason: string | null; output: string | null }[];
}

void t.test('the services API of PhoenixPanel', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const stack = await startStack({ controlEnv: { LONGSHORE_ALLOW_PRIVATE_WEBHOOKS: '1' } });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const [lobby, arena] = [uniqueProject(t, 'lobby'), uniqueProject(t, 'arena')];
  const deployed = await Promise.all(
    [lobby, arena].map(async (name) => {
      const body = { name, deploy_method: 'compose', compose: COMPOSE };
      return (await api.post<{ id: string; deploy_job_id: string }>('/api/services', body)).body;
    }),
  );
  for (const { deploy_job_id: job } of deployed) t.match(await api.jobEnd(job), { state: 'succeeded' });

  const server = { url: api.url, key: api.key };
  const example = (i: number) =>
    (codeBlocks('phoenix', 'bash')[i] ?? '').replaceAll(HOST, api.url).replaceAll('YOUR_API_KEY', api.key);
  const stateOf = (name: string) =>
    docker(['inspect', '--format', '{{.State.Status}} {{.State.StartedAt}}', `${name}-web-1`]);
  const health = async (id: string) => (await api.get<{ data: Health }>(`${BASE}/${id}/health`)).body.data;

  /** Makes a task, has its host do it now, and takes it away. Returns what became of it. */
  async function perform(task: object): Promise<Run> {
    const body = { name: 'once', schedule: '@yearly', task };
    const { id } = (await api.post<{ data: View }>(`${BASE}/scheduled`, body)).body.data;
    t.equal((await api.post(`/api/schedules/${id}/run`)).status, 202, JSON.stringify(task));
    const last = async () => (await api.get<{ data: Run[] }>(`/api/schedules/${id}/runs`)).body.data[0];
    const isOver = (run: Run | undefined) => run !== undefined && !['pending', 'running'].includes(run.state);
    const run = await eventually(last, { until: isOver, ...PATIENCE });
    const failed = (await health(id)).performance['runs_failed'];
    t.equal(failed, run?.state === 'failed' ? 1 : 0);
    t.equal((await api.delete(`${BASE}/${id}`)).status, 200);
    return run as Run;
  }
  const command = (words: string, servers = [arena, lobby]) =>
    perform({ type: 'server_command', data: { servers, command: words } });

  await t.test('its curl examples list services and make a task', async (t) => {
    const [made] = await runCurls(example(1), server);
    t.match(made, {
      status: 201,
      body: {
        data: {
          name: 'Weekly Server Restart',
          status: 'scheduled',
          type: 'scheduled',
          schedule: '0 4 * * 0',
          next_run: /^\d{4}-\d\d-\d\dT04:00:00Z$/,
        },
      },
    });
    const { id } = (made as { body: { data: View } }).body.data;
    const ours = await api.get<object>(`/api/schedules/${id}`);
    t.match(ours.body, { kind: 'restart', targets: { all: true }, delay_between_s: 60, enabled: true });
    const [listed] = await runCurls(example(0), server);
    t.match(listed, { status: 200, body: { meta: { pagination: { total: 6, count: 6, current_page: 1 } } } });
    const { data } = (listed as { body: { data: View[] } }).body;
    t.strictSame(
      data.map(({ type, status }) => `${type} ${status}`),
      [...Array<string>(5).fill('system running'), 'scheduled scheduled'],
    );

    await api.call('PATCH', `/api/schedules/${id}`, { enabled: false });
    const word = async () => (await api.get<{ data: View }>(`${BASE}/${id}`)).body.data.status;
    await eventually(word, { until: (it) => it === 'disabled', ...SAME_TRUTH });
    t.equal((await api.delete(`${BASE}/${id}`)).status, 200);
    t.equal((await api.get(`/api/schedules/${id}`)).status, 404);
  });

  await t.test('each part has figures of its own', async (t) => {
    for (const part of ['control_plane', 'job_processor', 'scheduler', 'database']) {
      const { status, uptime_seconds: uptime, resource_usage: usage } = await health(`sys_${part}`);
      t.match({ status, uptime }, { status: 'running', uptime: Number });
      t.ok((usage['memory_bytes'] ?? 0) > 1e7, part);
    }
    const { data } = (await api.get<{ data: View[] }>(`${BASE}?type=system`)).body;
    const agent = data.find(({ id }) => id.startsWith('host_'))?.id ?? '';
    const isMeasured = (it: Health) => typeof it.resource_usage['memory_bytes'] === 'number';
    const measured = await eventually(() => health(agent), { until: isMeasured, ...PATIENCE });
    t.match(measured, { status: 'running', uptime_seconds: Number, performance: { load_1m: Number } });
    t.match(await api.call('PUT', `${BASE}/${agent}`, { enabled: false }), {
      status: 409,
      body: { errors: [{ code: 'service_conflict', status: '409' }] },
    });
  });

  await t.test('a task works on the servers it names', async (t) => {
    const [before, untouched] = [await stateOf(arena), await stateOf(lobby)];
    t.match(await command('restart', [arena]), { state: 'succeeded', targets: [{ service_name: arena }] });
    t.not(await stateOf(arena), before);
    t.equal(await stateOf(lobby), untouched);
    t.match(await command('stop'), { state: 'succeeded', targets: [{}, {}] });
    for (const name of [arena, lobby]) t.match(await stateOf(name), /^exited/);
    t.match(await command('start'), { state: 'succeeded' });
    for (const name of [arena, lobby]) t.match(await stateOf(name), /^running/);
    const said = await command(`sh -c 'echo "$1"' sh 'good night'`);
    t.match(said, { state: 'succeeded', targets: [{ output: 'good night\n' }, { output: 'good night\n' }] });
    t.match(await command('redeploy', [lobby]), { targets: [{ service_name: lobby }] });
  });

  await t.test('and so do the other types', async (t) => {
    const backup = await perform({ type: 'backup', data: { servers: [lobby] } });
    t.match(backup, { state: 'succeeded' });
    const report = await perform({ type: 'statistics', data: { servers: [lobby, arena] } });
    t.match(JSON.parse(report.targets[0]?.output ?? ''), { cpus: Number });
    // Whether there is a newer image depends on which registry is within reach; that the host has looked does not.
    const update = await perform({ type: 'update', data: { servers: [arena] } });
    t.match(update.targets, [{ service_name: arena, state: /^(succeeded|skipped|failed)$/ }]);
  });

  await t.test('webhooks hear of the ends, and health of what failed', async (t) => {
    const receiver = await startReceiver(t);
    await api.post('/api/webhooks', { url: receiver.url, events: ['schedule.succeeded', 'schedule.failed'] });
    await command('true', [arena]);
    t.match(await command('false', [arena]), { state: 'failed' });
    // One may come twice, and the second before the first.
    await eventually(() => new Set(receiver.types).size, { until: (it) => it === 2, ...PATIENCE });
    t.strictSame(new Set(receiver.types), new Set(['schedule.succeeded', 'schedule.failed']));
  });

  for (const { id } of deployed) await api.delete(`/api/services/${id}`);
});
