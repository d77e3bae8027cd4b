// What services use, from real containers through agent and control to the API.
import t from 'tap';
import { Api } from '../support/api.ts';
import { docker, ensureImages, removeProject, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';

/** Two rounds of ten seconds, and then some for a busy machine. */
const ROUNDS = { timeoutMs: 60_000, intervalMs: 250 };

/** Uses a core as far as it may, 24 MiB of memory and 6 MiB of its volume; its health check passes. */
const COMPOSE = `
services:
  busy:
    image: busybox:1
    init: true
    stop_grace_period: 1s
    command: ["sh", "-c", "dd if=/dev/zero of=/data/x bs=1M count=6; dd if=/dev/zero of=/dev/shm/x bs=1M count=24; while :; do :; done"]
    cpus: 0.2
    mem_limit: 100m
    volumes: ["data:/data"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  idle: {image: "busybox:1", init: true, stop_grace_period: 1s, command: sleep 1000, cpus: 0.1, mem_limit: 28m}
volumes: {data: {}}
`;

interface Service {
  id: string;
  host_id: string;
  resources: {
    cpu_usage: number | null;
    cpu_limit: number | null;
    memory_usage_mb: number | null;
    memory_limit_mb: number | null;
    storage_mb: number | null;
    sampled_at: string | null;
  };
  health: { status: string; last_check: string | null; consecutive_failures: number | null };
}

interface Usage {
  cpu_usage: number | null;
  memory_used_bytes: number | null;
}

interface Stats {
  points: Usage[];
  containers: (Usage & { name: string; service: string })[];
}

const highest = (points: Usage[]): number => Math.max(...points.map(({ cpu_usage: used }) => used ?? 0));

void t.test('the API shows what a service really uses', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueName('usage');
  t.teardown(() => removeProject(name));
  const { body } = await api.post('/api/services', { name, deploy_method: 'compose', compose: COMPOSE });
  t.match(await api.jobEnd(String(body['deploy_job_id'])), { state: 'succeeded' });
  const fetchService = async () => (await api.get<Service>(`/api/services/${String(body['id'])}`)).body;
  const isMeasured = ({ resources: { cpu_usage: cpu, storage_mb: storage } }: Service) =>
    cpu !== null && cpu > 0 && storage !== null && storage > 0;

  const service = await eventually(fetchService, { until: isMeasured, ...ROUNDS });
  const { resources, health } = service;
  t.ok((resources.cpu_usage ?? 0) > 0.05 && (resources.cpu_usage ?? 9) < 0.4, `${resources.cpu_usage} cores of 0.3`);
  t.ok(
    (resources.memory_usage_mb ?? 0) >= 24 && (resources.memory_usage_mb ?? 99) < 60,
    `${resources.memory_usage_mb} MiB`,
  );
  t.match(resources, { cpu_limit: 0.3, memory_limit_mb: 128, storage_mb: 6 });
  t.match(health, { status: 'healthy', consecutive_failures: 0 });
  const nowMs = Date.parse((await api.get('/api/services')).headers.get('date') ?? '');
  for (const at of [resources.sampled_at, health.last_check])
    t.ok(Math.abs(nowMs - Date.parse(at ?? '')) < 120_000, `${at} is of now`);

  const listed = (await api.get<{ data: Service[] }>('/api/services')).body.data[0];
  t.match(listed, { id: service.id, resources: { memory_limit_mb: 128 } });
  t.same(Object.keys(listed?.resources ?? {}), ['cpu_usage', 'memory_usage_mb', 'memory_limit_mb', 'sampled_at']);

  const fetchStats = async () => (await api.get<Stats>(`/api/services/${service.id}/stats`)).body;
  const { points, containers } = await fetchStats();
  t.ok(highest(points) > 0.05 && highest(points) < 0.4, `${highest(points)} cores of 0.3`);
  const busy = containers.find((one) => one.service === 'busy');
  t.match(busy, { name: `${name}-busy-1`, restart_count: 0, network_rx_bytes_per_s: Number, pids: Number });
  t.ok((busy?.memory_used_bytes ?? 0) >= 24 * 1024 ** 2);
  t.match(
    containers.find((one) => one.service === 'idle'),
    { cpu_usage: Number },
  );

  const { host_id: hostId } = service;
  const host = (await api.get<{ resources: Record<string, number> }>(`/api/hosts/${hostId}`)).body.resources;
  t.ok(Number(host['memory_used_bytes']) < Number(host['memory_total_bytes']));
  t.ok(Number(host['disk_used_bytes']) < Number(host['disk_total_bytes']));
  t.ok(highest((await api.get<Stats>(`/api/hosts/${hostId}/stats`)).body.points) > 0);
  const scraped = await fetch(`${up.url}/metrics`, { headers: { authorization: `Bearer ${up.key}` } });
  t.match(await scraped.text(), new RegExp(`^longshore_service_memory_used_bytes\\{[^}]*service="${name}"`, 'm'));

  await api.post(`/api/services/${service.id}/stop`);
  t.match(
    (await eventually(fetchService, { until: ({ resources: now }) => now.cpu_usage === 0, ...ROUNDS })).resources,
    {
      memory_usage_mb: 0,
      storage_mb: 6,
      cpu_limit: null,
    },
  );

  // Nothing of it is stored: after a restart it is unknown until the host has spoken.
  await up.stop();
  await up.start();
  t.match(
    (await eventually(fetchService, { until: ({ resources: now }) => now.sampled_at !== null, ...ROUNDS })).resources,
    {
      cpu_usage: 0,
    },
  );
  t.ok(highest((await fetchStats()).points) >= highest(points), 'what it used is kept on the host');
  await api.delete(`/api/services/${service.id}`);
  t.equal(await docker(['ps', '-aq', '--filter', `label=com.docker.compose.project=${name}`]), '');
});
