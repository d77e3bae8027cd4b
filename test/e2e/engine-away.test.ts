// An engine that hangs, and one that is restarted in the middle of a deploy. Hung, it takes connections and answers nothing,
// as one does whose machine is out of memory or disk; its containers run on. Restarted as an upgrade of its package does it,
// live-restore is off: every container ends, and those that restart by policy come back with the engine.
import t from 'tap';
import type { Api } from '../support/api.ts';
import { ensureImages, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startNestedEngine } from '../support/nested-engine.ts';
import { startStack } from '../support/stack.ts';

/** Healthy a while after their start; the first is replaced start-first. */
const composeOf = (edition: string) => `x-common: &common
  image: busybox:1
  network_mode: none
  restart: always
  stop_grace_period: 0s
  command: [sh, -c, "rm -f /ready; sleep 1; touch /ready; exec sleep 600"]
  environment: { EDITION: "${edition}" }
  healthcheck: { test: [CMD, test, -e, /ready], interval: 200ms, retries: 300 }
services:
  web: { <<: *common }
  single: { <<: *common, deploy: { update_config: { order: stop-first } } }
`;

interface HostView {
  id: string;
  status: string;
  facts: { docker_version: string | null; docker_unavailable_since: string | null };
}

const WAIT = { timeoutMs: 60_000 };

t.test('an engine that goes away', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const engine = await startNestedEngine(t);
  const stack = await startStack({ agentEnv: { LONGSHORE_DOCKER_SOCKET: engine.socket } });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const [calm, shop] = [uniqueName('calm'), uniqueName('shop')];
  const bystander = await create(api, calm, 'the only one');
  t.match(await api.jobEnd(bystander.job), { state: 'succeeded', error: null });
  const ofProject = (project: string) => [
    'ps',
    '-a',
    '--no-trunc',
    '--filter',
    `label=com.docker.compose.project=${project}`,
  ];

  await t.test('F12: a host whose Docker hangs stays connected, says so, and goes on where it was', async (t) => {
    const look = async () => {
      const shown = await engine.docker(...ofProject(calm), '--format', '{{.ID}} {{.State}}');
      return shown
        .split('\n')
        .toSorted()
        .map((line) => line.split(' '));
    };
    const before = await look();
    const fetchHost = async () => (await api.get<{ data: HostView[] }>('/api/hosts')).body.data[0];
    const hostId = (await fetchHost())?.id ?? '';
    const agent = stack.agent.pid;

    engine.freeze();
    const stop = await api.call<{ job_id: string }>('POST', `/api/services/${bystander.id}/stop?wait=0`);
    t.equal(stop.status, 202, 'work is taken, and waits');
    const hung = await eventually(fetchHost, { until: (host) => host?.facts.docker_version === null, ...WAIT });
    t.match(hung, { status: 'connected', facts: { docker_unavailable_since: /^20/ } });
    t.match(
      await api.get(`/api/hosts/${hostId}/containers`),
      { status: 409, body: { error: { code: 'docker_unavailable' } } },
      'who asks for Docker is told at once',
    );
    const away = { status: 503, body: { detail: /^Docker does not answer on host/ } };
    t.match(await api.get('/api/system/services'), away, "as the orchestrator's API says it");
    t.match(await api.post(`/api/system/services/${calm}/restart`), away);
    t.notMatch(await api.get(`/api/jobs/${stop.body.job_id}`), { body: { state: 'failed' } });

    engine.thaw();
    const thawed = await eventually(fetchHost, { until: (host) => host?.facts.docker_version !== null, ...WAIT });
    t.match(thawed, { status: 'connected', facts: { docker_unavailable_since: null } });
    t.match(await api.jobEnd(stop.body.job_id, WAIT.timeoutMs), { state: 'succeeded', error: null });
    t.same(
      await look(),
      before.map(([id]) => [id, 'exited']),
      'the same containers',
    );
    t.equal(stack.agent.pid, agent);
    const start = await api.call<{ job_id: string }>('POST', `/api/services/${bystander.id}/start?wait=0`);
    t.match(await api.jobEnd(start.body.job_id), { state: 'succeeded', error: null });
  });

  await t.test('F10: a deploy goes on when Docker restarts under it, and nobody else counts as failed', async (t) => {
    const service = await create(api, shop, 'first');
    await untilStep(api, service.job, 'wait');
    await engine.stop();
    await engine.start();
    t.match(await api.jobEnd(service.job, 150_000), { state: 'succeeded', error: null }, 'restarted while it waits');

    const change = { compose: composeOf('second') };
    const { body } = await api.call<{ deploy_job_id: string }>('PATCH', `/api/services/${service.id}`, change);
    await untilStep(api, body.deploy_job_id, 'apply');
    await engine.stop();
    await engine.start();
    t.match(await api.jobEnd(body.deploy_job_id, 150_000), { state: 'succeeded', error: null }, 'while it applies');
    const shown = ['--format', '{{.Label "com.docker.compose.service"}} {{.State}}'];
    t.same((await engine.docker(...ofProject(shop), ...shown)).split('\n').toSorted(), [
      'single running',
      'web running',
    ]);
    const ids = (await engine.docker(...ofProject(shop), '-q')).split('\n');
    const editions = await engine.docker('inspect', '-f', '{{index .Config.Env 0}}', ...ids);
    t.same(editions.split('\n'), ['EDITION=second', 'EDITION=second']);

    const view = await eventually(() => api.get(`/api/services/${bystander.id}`), {
      until: ({ body: { status, health } }) =>
        status === 'running' && (health as { status: string }).status === 'healthy',
      timeoutMs: 30_000,
    });
    t.equal(view.body['status'], 'running');
    const timeline = await api.get<{ data: { type: string; status: string }[] }>(
      `/api/services/${bystander.id}/events`,
    );
    t.same(
      timeline.body.data.filter(({ status }) => status === 'failed'),
      [],
      'its containers come back by their restart policy',
    );
  });
});

async function create(api: Api, name: string, edition: string): Promise<{ id: string; job: string }> {
  const source = { deploy_method: 'compose', compose: composeOf(edition), health_timeout_s: 60 };
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', { name, ...source });
  return { id: body.id, job: body.deploy_job_id };
}

/** A step that is over before it is seen counts as reached. */
async function untilStep(api: Api, job: string, step: string): Promise<void> {
  const fetchSteps = async () => (await api.get<{ steps: { step: string }[] }>(`/api/jobs/${job}`)).body.steps;
  await eventually(fetchSteps, { until: (steps) => steps.some((one) => one.step === step), intervalMs: 2 });
}
