// Health checks from outside: asked for through the API, carried out by the host, told to whoever watches.
import t from 'tap';
import { Api } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';

const SECRET = 'hunter2-hunter2-hunter2';
const COMPOSE = `services:
  web:
    image: busybox:1
    command: [sh, -c, 'echo "$$API_TOKEN" >/tmp/up; exec httpd -f -p 8080 -h /tmp']
    environment: { API_TOKEN: "\${API_TOKEN}" }
    expose: ["8080"]
    stop_grace_period: 0s
`;

interface Detail {
  health: {
    status: string;
    last_check: string | null;
    consecutive_failures: number | null;
    last_output: string | null;
  };
}

interface Event {
  type: string;
  status: string;
}

void t.test('health checks of a service', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'checked');
  const created = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
    variables: { API_TOKEN: SECRET },
    health_checks: [{ type: 'http', path: '/up', interval_s: 1, failure_threshold: 1 }],
  });
  const { id, deploy_job_id: jobId } = created.body;
  t.match(await api.jobEnd(jobId), { state: 'succeeded' }, 'a deploy ends when they pass');
  const detail = async () => (await api.get<Detail>(`/api/services/${id}`)).body;
  const events = async () => (await api.get<{ data: Event[] }>(`/api/services/${id}/events?type=health`)).body.data;

  await t.test('a check that is changed through the client is carried out at once', async (t) => {
    const args = [
      'services',
      'update',
      name,
      '--health-check',
      'http path=/up?again interval=1s failures=1',
      '--follow',
    ];
    const { exitCode, stderr } = await runCli(args, { env: up.env });
    t.equal(exitCode, 0, stderr);
    await eventually(async () => (await detail()).health.status === 'healthy');
    const shown = await runCli(['services', 'get', name], { env: up.env });
    t.match(shown.stdout, /health checks\s+http \/up\?again/);
  });

  await t.test('the API shows how they go, without secrets', async (t) => {
    const shown = { status: 'healthy', consecutive_failures: 0, last_output: 'HTTP 200 OK\n***' };
    const isShown = ({ health }: Detail) =>
      health.consecutive_failures === 0 && health.last_output === shown.last_output;
    const { health } = await eventually(detail, { until: isShown, timeoutMs: 60_000 });
    t.match(health, { ...shown, last_check: String });
  });

  await t.test('a change is told live, and stands in the timeline', async (t) => {
    const live = api.live('/api/ws');
    await live.opened;
    const told = (health: string) =>
      eventually(() => live.messages.find((it) => it['type'] === 'health.changed' && it['health'] === health));
    await docker(['exec', `${name}-web-1`, 'mv', '/tmp/up', '/tmp/away']);
    await told('unhealthy');
    t.ok((await events()).some(({ status }) => status === 'unhealthy'));
    live.socket.close();
  });

  await api.delete(`/api/services/${id}`);
});
