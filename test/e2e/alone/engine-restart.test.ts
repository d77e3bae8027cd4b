// Docker is restarted in the middle of a deploy, as an upgrade of its package does it: live-restore is off, so every
// container ends, and those that restart by policy come back with the engine.
import t from 'tap';
import type { Api } from '../../support/api.ts';
import { ensureImages, requireDocker, uniqueName } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { startNestedEngine } from '../../support/nested-engine.ts';
import { startStack } from '../../support/stack.ts';

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

t.test('F10: a deploy goes on when Docker restarts under it, and nobody else counts as failed', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const engine = await startNestedEngine(t);
  const stack = await startStack({ agentEnv: { LONGSHORE_DOCKER_SOCKET: engine.socket } });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const [calm, shop] = [uniqueName('calm'), uniqueName('shop')];
  const bystander = await create(api, calm, 'the only one');
  t.match(await api.jobEnd(bystander.job), { state: 'succeeded', error: null });

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
  const ofShop = ['ps', '-a', '--filter', `label=com.docker.compose.project=${shop}`];
  t.same((await engine.docker(...ofShop, ...shown)).split('\n').toSorted(), ['single running', 'web running']);
  const ids = (await engine.docker(...ofShop, '-q')).split('\n');
  const editions = await engine.docker('inspect', '-f', '{{index .Config.Env 0}}', ...ids);
  t.same(editions.split('\n'), ['EDITION=second', 'EDITION=second']);

  const view = await eventually(() => api.get(`/api/services/${bystander.id}`), {
    until: ({ body: { status, health } }) =>
      status === 'running' && (health as { status: string }).status === 'healthy',
    timeoutMs: 30_000,
  });
  t.equal(view.body['status'], 'running');
  const timeline = await api.get<{ data: { type: string; status: string }[] }>(`/api/services/${bystander.id}/events`);
  t.same(
    timeline.body.data.filter(({ status }) => status === 'failed'),
    [],
    'its containers come back by their restart policy',
  );
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
