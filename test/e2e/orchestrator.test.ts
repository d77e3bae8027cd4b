// The orchestrator's Services API from outside: a real container in every state it has a word for, the examples of its
// document as they stand, and our own API beside it.
import t from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { codeBlocks, runCurls, runPage, runPython } from '../support/examples.ts';
import { startStack } from '../support/stack.ts';

/** Its health is the test's to choose: as long as the file is there it is well. Until it first was, it only starts. */
const COMPOSE = `services:
  web:
    image: busybox:1
    command: [httpd, -f, -p, "8080"]
    ports: ["8080"]
    stop_grace_period: 0s
    healthcheck: { test: [CMD, test, -e, /tmp/well], interval: 1s, retries: 1, start_period: 600s, start_interval: 1s }
`;
const HOST = 'http://localhost:8000';
/** What the documents promise of any two of our APIs. */
const SAME_TRUTH = { timeoutMs: 2_000 };
const PATIENCE = { timeoutMs: 60_000 };

interface Info {
  name: string;
  status: string;
  enabled: boolean;
  container_id: string | null;
  port: number | null;
  failure_count: number;
  restart_count: number;
  uptime_seconds: number | null;
}
interface Own {
  status: string;
  enabled: boolean;
  restart_count: number;
  next_restart_at: string | null;
}

void t.test('the services API of the orchestrator', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const stack = await startStack();
  t.teardown(() => stack.stop());
  const { api } = stack;
  const name = uniqueProject(t, 'nemotron');
  const server = { url: api.url, key: api.key };
  const container = `${name}-web-1`;
  // Again while there is no container yet, or its host just restarts it.
  const isWell = (isIt: boolean) => {
    const program = isIt ? ['touch'] : ['rm', '-f'];
    return eventually(() => docker(['exec', container, ...program, '/tmp/well']).then(() => true), PATIENCE);
  };
  const list = () => api.get<{ services: Info[] }>('/api/system/services');
  const service = async () => (await list()).body.services.find((it) => it.name === name);
  const until = (status: string, wait = PATIENCE) =>
    eventually(service, { until: (it) => it?.status === status, ...wait });
  const act = (verb: string) => api.post<{ service: Info; detail?: string }>(`/api/system/services/${name}/${verb}`);

  const created = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    display_name: 'Nemotron LLM',
    category: 'ai',
    deploy_method: 'compose',
    compose: COMPOSE,
  });
  const { id, deploy_job_id: jobId } = created.body;
  const own = async () => (await api.get<Own>(`/api/services/${id}`)).body;

  await t.test('what is deployed is starting, then running', async (t) => {
    t.match(await service(), { status: 'starting' });
    await isWell(true);
    t.match(await api.jobEnd(jobId), { state: 'succeeded' });
    const shown = await until('running');
    t.match(shown, { enabled: true, display_name: 'Nemotron LLM', category: 'ai', image: 'busybox:1' });
    const published = await docker(['port', container, '8080/tcp']);
    t.ok(
      published.split('\n').some((address) => address.endsWith(`:${shown?.port}`)),
      published,
    );
    const real = await docker(['inspect', '-f', '{{.Id}}', container]);
    t.equal(shown?.container_id, real.slice(0, 12));
    t.type(shown?.uptime_seconds, 'number');
  });

  await t.test('the Python example finds nothing wrong, until something is', async (t) => {
    const [example = ''] = codeBlocks('orchestrator', 'python');
    const run = () => runPython(`${example.replaceAll(HOST, api.url)}\nprint(check_ai_services())`, server);
    t.equal(await run(), "All AI services are healthy\n{'total': 1, 'healthy': 1, 'unhealthy': 0}");
    await isWell(false);
    await until('unhealthy');
    await isWell(true);
    await until('running');
    await api.post(`/api/services/${id}/stop`);
    await until('stopped', SAME_TRUTH);
    t.match(await run(), `Unhealthy AI services: ['${name}']\n  - Nemotron LLM: stopped\n`);
  });

  await t.test('a start brings it back, and is refused once it runs', async (t) => {
    t.match(await act('start'), { status: 200, body: { success: true, service: { status: 'starting' } } });
    await eventually(own, { until: (it) => it.status === 'running', ...SAME_TRUTH });
    t.match(await act('start'), { status: 400, body: { detail: `Service '${name}' is already running` } });
  });

  await t.test('the JavaScript example restarts it, and its failures are forgotten', async (t) => {
    const before = await service();
    const [example = ''] = codeBlocks('orchestrator', 'javascript');
    await isWell(false);
    await docker(['kill', container]);
    await eventually(service, { until: (it) => (it?.failure_count ?? 0) > 0, ...PATIENCE });
    const printed = await runPage(`${example}\nconsole.log((await restartService('${name}')).status)`, server);
    t.equal(printed, `Service '${name}' restart initiated\nstarting`);
    await until('starting');
    await isWell(true);
    const after = await until('running');
    t.equal(after?.failure_count, 0);
    t.ok((after?.restart_count ?? 0) > (before?.restart_count ?? 0));
    t.equal((await own()).restart_count, after?.restart_count);
  });

  await t.test('the curl examples disable and enable it, and disabled is really off', async (t) => {
    const [example = ''] = codeBlocks('orchestrator', 'bash');
    const [disable = '', enable = ''] = example
      .replaceAll(HOST, api.url)
      .replaceAll('services/nemotron', `services/${name}`)
      .split('\n\n');
    t.match(await runCurls(disable, server), [
      { status: 200, body: { message: `Service '${name}' disabled`, service: { status: 'disabled', enabled: false } } },
    ]);
    t.match(await own(), { enabled: false, status: 'running' }, 'nothing was stopped');
    await docker(['kill', container]);
    await eventually(own, { until: (it) => it.status === 'failed', ...PATIENCE });
    t.equal((await own()).next_restart_at, null, 'and nothing brings it back');
    for (const verb of ['start', 'restart'])
      t.match(await act(verb), { status: 400, body: { detail: /disabled/ } }, verb);
    t.match(await service(), { status: 'disabled' });
    t.match(await runCurls(enable, server), [
      { status: 200, body: { message: `Service '${name}' enabled`, service: { enabled: true, failure_count: 0 } } },
    ]);
    const isHealed = (it: Own) => it.next_restart_at !== null || it.status === 'running';
    await eventually(own, { until: isHealed, ...PATIENCE });
  });

  await t.test('while the host is away nobody pretends to know', async (t) => {
    await stack.agent.end('SIGTERM');
    await eventually(async () => (await list()).status === 503, PATIENCE);
    for (const verb of ['restart', 'start', 'enable', 'disable'])
      t.match(await act(verb), { status: 503, body: { detail: /is not connected/ } }, verb);
    stack.agent.start();
    await stack.untilConnected();
    await eventually(async () => (await list()).status === 200, PATIENCE);
  });

  await api.delete(`/api/services/${id}`);
});
