// Docker hangs: it takes connections and answers nothing, as an engine does whose machine is out of memory or disk. Its
// containers run on, and so does the agent.
import t from 'tap';
import { ensureImages, requireDocker, uniqueName } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { startNestedEngine } from '../../support/nested-engine.ts';
import { startStack } from '../../support/stack.ts';

interface HostView {
  status: string;
  facts: { docker_version: string | null; docker_unavailable_since: string | null };
}

const COMPOSE = `services:
  web: { image: "busybox:1", network_mode: none, command: [sleep, "600"], stop_grace_period: 0s }
`;
const WAIT = { timeoutMs: 60_000 };

t.test('F12: a host whose Docker hangs stays connected, says so, and goes on where it was', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const engine = await startNestedEngine(t);
  const stack = await startStack({ agentEnv: { LONGSHORE_DOCKER_SOCKET: engine.socket } });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const name = uniqueName('calm');
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
  });
  t.match(await api.jobEnd(body.deploy_job_id), { state: 'succeeded', error: null });
  const look = async () => {
    const ids = await engine.docker('ps', '-aq', '--no-trunc');
    return engine.docker('inspect', '-f', '{{.Id}} {{.State.Status}} {{.State.StartedAt}}', ...ids.split('\n'));
  };
  const before = await look();
  const fetchHost = async () => (await api.get<{ data: HostView[] }>('/api/hosts')).body.data[0];
  const agent = stack.agent.pid;

  engine.freeze();
  const stop = await api.call<{ job_id: string }>('POST', `/api/services/${body.id}/stop?wait=0`);
  t.equal(stop.status, 202, 'work is taken, and waits');
  const hung = await eventually(fetchHost, { until: (host) => host?.facts.docker_version === null, ...WAIT });
  t.match(hung, { status: 'connected', facts: { docker_unavailable_since: /^20/ } });
  const asked = await api.get<{ error: { code: string } }>(`/api/hosts/${await hostId()}/containers`);
  t.match(
    asked,
    { status: 409, body: { error: { code: 'docker_unavailable' } } },
    'who asks for Docker is told at once',
  );
  const dialect = '/api/system/services';
  const away = { status: 503, body: { detail: /^Docker does not answer on host/ } };
  t.match(await api.get(dialect), away, "as the orchestrator's API says it");
  t.match(await api.post(`${dialect}/${name}/restart`), away);
  t.notMatch(await api.get(`/api/jobs/${stop.body.job_id}`), { body: { state: 'failed' } });

  engine.thaw();
  const thawed = await eventually(fetchHost, { until: (host) => host?.facts.docker_version !== null, ...WAIT });
  t.match(thawed, { status: 'connected', facts: { docker_unavailable_since: null } });
  t.match(await api.jobEnd(stop.body.job_id, WAIT.timeoutMs), { state: 'succeeded', error: null });
  t.equal((await look()).split(' ')[0], before.split(' ')[0], 'the same container');
  t.match(await look(), ' exited ');
  t.equal(stack.agent.pid, agent);

  async function hostId(): Promise<string> {
    return (await api.get<{ data: { id: string }[] }>('/api/hosts')).body.data[0]?.id ?? '';
  }
});
