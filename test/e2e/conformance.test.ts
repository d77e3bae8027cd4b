// The panel API's documents replayed: every request they print, word for word, by `curl`, against real services. Hosts,
// keys and ids are put in; everything else is sent as it is printed. docs/conformance.md lists all documented points.
import t, { type Test } from 'tap';
import { Api } from '../support/api.ts';
import { runCurl, splitCommand, type CurlAnswer } from '../support/curl.ts';
import { ensureAliases, removeProject, requireDocker } from '../support/docker.ts';
import { documentedRequests, shapeFaults, valueAt } from '../support/documented.ts';
import { eventually } from '../support/eventually.ts';
import { startUp, type Up } from '../support/up.ts';

const BASE = 'https://panel.example.com';
const KEYS = /your-api-key|aap_k1_\.\.\./g;
const requests = new Map(documentedRequests().map((request) => [request.name, request]));

/** Where the documents show a value and there may be none: no port is published, so there is no address. */
const NULLABLE = ['url', 'data[].url'];

class Panel {
  readonly up: Up;
  readonly api: Api;
  /** Documented id → ours. */
  readonly ids = new Map<string, string>();
  readonly replayed = new Set<string>();

  constructor(up: Up) {
    this.up = up;
    this.api = new Api(up.url, up.key);
  }

  /** Sends a documented request and holds its answer against the documented one. */
  async replay(t: Test, name: string): Promise<CurlAnswer> {
    const documented = requests.get(name);
    if (!documented) throw new Error(`no documented request "${name}"`);
    this.replayed.add(name);
    const answer = await runCurl(this.#toArgv(documented.request));
    t.equal(answer.status, documented.status, `${name}: ${JSON.stringify(answer.body)}`);
    t.strictSame(shapeFaults(documented.answer, answer.body, NULLABLE), [], `${name} has the documented shape`);
    for (const path of documented.exact ?? [])
      t.equal(valueAt(answer.body, path), valueAt(documented.answer, path), `${name}: ${path}`);
    return answer;
  }

  #toArgv(command: string): string[] {
    let line = command.replaceAll(BASE, this.up.url).replaceAll(KEYS, this.up.key);
    for (const [documented, own] of this.ids) line = line.replaceAll(documented, own);
    const argv = splitCommand(line);
    return argv.includes('-H') ? argv : [...argv, '-H', `Authorization: Bearer ${this.up.key}`];
  }

  /** Replays a documented deploy and waits until its job has ended. */
  async deploy(t: Test, name: string): Promise<{ id: string; job: Awaited<ReturnType<Api['jobEnd']>> }> {
    const { body } = await this.replay(t, name);
    const { id, deploy_job_id: jobId } = body as { id: string; deploy_job_id: string };
    return { id, job: await this.api.jobEnd(jobId) };
  }
}

void t.test('the documented requests, word for word', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureAliases('louislam/uptime-kuma:2.0.2=3001', 'myapp:latest=80');
  const panel = new Panel(await startUp(t));
  for (const project of ['my-app', 'custom-app', 'my-project', 'auto-app']) t.teardown(() => removeProject(project));
  const limits = { services: 4, cpu: 4, memory_mb: 2048 }; // a service's share: the documented 1.0 and 512
  const { body: plan } = await panel.api.post('/api/plans', { name: 'small', limits });
  const { body: customer } = await panel.api.post('/api/customers', { name: 'Acme Corp', plan_id: plan['id'] });
  panel.ids.set('cust_def456', String(customer['id']));
  const live = panel.api.live('/api/ws');
  t.teardown(() => live.socket.close());
  await live.opened;

  await t.test('a service is deployed from a template and shown with every documented field', async (t) => {
    const { id, job } = await panel.deploy(t, 'template deploy');
    t.match(job, { state: 'succeeded' });
    panel.ids.set('svc_abc123', id);
    const detail = async () => (await panel.api.get(`/api/services/${id}`)).body;
    const isSampled = (body: Record<string, unknown>) =>
      typeof valueAt(body, 'resources.cpu_usage') === 'number' &&
      typeof valueAt(body, 'resources.storage_mb') === 'number';
    await eventually(detail, { until: isSampled, timeoutMs: 60_000 });
    const { body } = await panel.replay(t, 'get service');
    t.match(body, { customer_name: 'Acme Corp', variables: { SERVICE_NAME: 'my-app' }, url: /^http:\/\/.+:3001$/ });
    await panel.replay(t, 'list services');
  });

  await t.test('lists are paged, sorted and filtered', async (t) => {
    for (const name of requests.keys()) if (name.startsWith('overview, ')) await panel.replay(t, name);
  });

  await t.test('logs and events', async (t) => {
    const { body } = await panel.replay(t, 'service logs');
    t.ok((body as { logs: unknown[] }).logs.length > 0, 'the app has said something');
    const { body: events } = await panel.replay(t, 'service events');
    t.match(
      (events as { data: { message: string }[] }).data.map(({ message }) => message),
      [/Health check passed|Deployed/],
    );
    const follow = panel.api.live(`/api/services/${panel.ids.get('svc_abc123')}/logs?follow=true`);
    t.teardown(() => follow.socket.close());
    const entry = await eventually(() => follow.messages[0]);
    t.strictSame(shapeFaults({ timestamp: 'x', stream: 'stdout', message: 'x' }, entry), []);
  });

  await t.test('the lifecycle verbs answer as documented', async (t) => {
    for (const verb of ['stop', 'start', 'restart']) await panel.replay(t, `${verb} service`);
    const { body } = await panel.replay(t, 'redeploy service');
    t.match(await panel.api.jobEnd((body as { deploy_job_id: string }).deploy_job_id), { state: 'succeeded' });
  });

  await t.test('a service is deployed from a compose file', async (t) => {
    const { id, job } = await panel.deploy(t, 'compose deploy');
    t.match(job, { state: 'succeeded' });
    t.equal((await panel.api.delete(`/api/services/${id}`)).status, 204);
  });

  await t.test(
    'git and ai deploys are taken, and a repository nobody can reach ends them with a coded cause',
    async (t) => {
      for (const name of ['git deploy', 'ai deploy']) {
        const { id, job } = await panel.deploy(t, name);
        t.match(job, { state: 'failed', error: { code: /^[a-z_]+$/ } });
        t.equal((await panel.api.delete(`/api/services/${id}`)).status, 204);
      }
    },
  );

  await t.test('the WebSocket has told of it', async (t) => {
    const ofType = (type: string) => live.messages.filter((message) => message['type'] === type);
    const id = panel.ids.get('svc_abc123');
    for (const type of ['deploy.progress', 'service.status'])
      t.ok(
        ofType(type).some((message) => message['service_id'] === id && message['timestamp']),
        type,
      );
    live.socket.send(JSON.stringify({ type: 'subscribe', types: ['service.logs'], service_ids: [id] }));
    await panel.api.post(`/api/services/${id}/restart`); // the app says something when it starts
    t.ok(await eventually(() => ofType('service.logs').find((message) => message['service_id'] === id)));
  });

  await t.test('a service is deleted', async (t) => {
    await panel.replay(t, 'delete service');
    t.equal((await panel.api.get(`/api/services/${panel.ids.get('svc_abc123')}`)).status, 404);
  });

  t.strictSame(
    [...requests.keys()].filter((name) => !panel.replayed.has(name)),
    [],
    'no documented request is left out',
  );
});
