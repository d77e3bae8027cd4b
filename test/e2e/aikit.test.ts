// AIKit's API from outside, as its document has it: on its own port, with the key of the environment, about a service of
// ours and about a container that somebody ran by hand.
import { createHmac } from 'node:crypto';
import t from 'tap';
import { docker, ensureImages, requireDocker, uniqueName, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startUp } from '../support/up.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

const KEY = 'a-key-their-scripts-have';
const SECRET = 'your-webhook-secret';
const COMPOSE = `services:
  web:
    image: busybox:1
    command: [sh, -c, "echo 'WARNING: it starts'; exec httpd -f -p 8080"]
    environment: { NODE_ENV: production, DB_PASSWORD: canary-4711 }
    ports: ["8080"]
    stop_grace_period: 0s
`;
/** What the documents promise of any two of our APIs. */
const SAME_TRUTH = { timeoutMs: 2_000 };
const PATIENCE = { timeoutMs: 60_000 };

interface Shown {
  id: string;
  containerId: string;
  status: string;
  version: string;
  url: string | null;
  stats: { cpu: number; memory: number; uptime: number; restartCount: number };
  details: {
    image: string;
    created: string;
    ports: object[];
    volumes: { source: string; destination: string }[];
    env: string[];
  };
}
interface Body<T> {
  success: boolean;
  data: T;
  error?: string;
}

void t.test("the AIKit Dashboard's API", async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const port = await freePort();
  const up = await startUp(t, {
    LONGSHORE_AIKIT_PORT: String(port),
    LONGSHORE_ALLOW_PRIVATE_WEBHOOKS: '1',
    API_KEY: KEY,
  });
  const base = `http://localhost:${port}/api`;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the answer holds
  const send = async <T>(method: string, url: string, { key = KEY, body }: { key?: string; body?: object } = {}) => {
    const json = body && { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${key}`, ...json };
    const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
  };
  const get = <T>(path: string, key?: string) => send<Body<T>>('GET', base + path, key === undefined ? {} : { key });
  const post = <T>(path: string, body?: object) => send<Body<T>>('POST', base + path, body ? { body } : {});
  const own = <T>(path: string) => send<T>('GET', `${up.url}/api${path}`, { key: up.key }).then(({ body }) => body);

  const project = uniqueProject(t, 'aikit');
  const web = `${project}-web-1`;
  const { body: created } = await send<{ id: string }>('POST', `${up.url}/api/services`, {
    key: up.key,
    body: { name: project, deploy_method: 'compose', compose: COMPOSE },
  });
  const service = () => own<{ status: string }>(`/services/${created.id}`);
  const isDeployed = ({ status }: { status: string }) => status === 'running';
  await eventually(service, { until: isDeployed, ...PATIENCE });

  const box = uniqueName('aikit-box');
  const image = `${box}:latest`;
  t.teardown(() => docker(['rm', '-fv', box, `${box}-before-update`]).catch(() => {}));
  t.teardown(() => docker(['rmi', image]).catch(() => {}));
  await docker(['tag', 'longshore-test/web:1', image]);
  const settings = ['--stop-timeout', '0', '-e', 'API_TOKEN=canary-4712', '-v', '/kept', '--memory', '64m'];
  await docker(['run', '-d', '--name', box, ...settings, image]);
  const inspect = (format: string) => docker(['inspect', '-f', format, box]);
  await eventually(() => inspect('{{.State.Running}}'), { until: (it) => it === 'true' });

  await t.test('lists what Longshore made and what it did not', async (t) => {
    const { body, headers } = await get<Shown[]>('/services?filter=running');
    for (const id of [web, box])
      t.match(
        body.data.find((it) => it.id === id),
        { status: 'running', stats: { restartCount: 0 } },
      );
    t.match(headers.get('x-ratelimit-limit'), /^\d+$/);
    const same = await send<Body<Shown[]>>('GET', `${up.url}/aikit/api/services`);
    t.ok(
      same.body.data.some(({ id }) => id === box),
      'also at our own port',
    );
    t.match((await get('/services?limit=1')).body.data, { length: 1 });
  });

  await t.test('shows how they are set up, without secrets', async (t) => {
    const { data } = (await get<Shown>(`/services/${web}`)).body;
    t.match(data, { version: '1', url: /^http:\/\//, details: { image: 'busybox:1', ports: [{ internal: 8080 }] } });
    t.ok(data.details.env.includes('NODE_ENV=production'));
    t.ok(data.details.env.includes('DB_PASSWORD=***'));
    const foreign = (await get<Shown>(`/services/${(await inspect('{{.Id}}')).slice(0, 12)}`)).body.data;
    t.match(foreign, { id: box, details: { image, volumes: [{ destination: '/kept' }] } });
    t.ok(foreign.details.env.includes('API_TOKEN=***'));
    const open = (await get<Shown>(`/services/${box}`, up.key)).body.data;
    t.ok(open.details.env.includes('API_TOKEN=canary-4712'), 'but to those who may see them');
  });

  await t.test('measures them', async (t) => {
    const { data } = (await get<Record<string, number>>(`/services/${box}/stats`)).body;
    t.match(data, { cpu: Number, memory: Number, memoryUsage: Number, memoryLimit: 64 * 2 ** 20, restartCount: 0 });
    t.ok((data['memory'] ?? 0) > 0);
    t.match((await get('/system/stats')).body.data, {
      services: { total: Number, running: Number, stopped: Number },
      resources: { avgCpu: Number, avgMemory: Number, totalMemoryUsage: Number },
      health: { status: String, warnings: Number, errors: Number },
    });
  });

  await t.test('tells what they log, and how bad it is', async (t) => {
    const logs = (query = '') => get<{ logs: { message: string; level: string }[] }>(`/services/${web}/logs${query}`);
    const { data } = (await eventually(() => logs(), { until: ({ body }) => body.data.logs.length > 0 })).body;
    t.match(data.logs, [{ message: 'WARNING: it starts', level: 'warn', timestamp: /^\d{4}-/ }]);
    t.same((await logs('?since=2100-01-01T00:00:00Z')).body.data.logs, []);
  });

  await t.test('stops, starts and restarts what belongs to nobody', async (t) => {
    const { data: hosts } = await own<{ data: { id: string }[] }>('/hosts');
    const seen = async () => {
      const { data } = await own<{ data: { name: string; state: string }[] }>(
        `/hosts/${hosts[0]?.id}/containers?search=${box}`,
      );
      return data[0]?.state;
    };
    for (const [act, status, state] of [
      ['stop', 'stopped', 'exited'],
      ['start', 'running', 'running'],
    ] as const) {
      t.match(await post(`/services/${box}/${act}`), { status: 200, body: { success: true, data: { status } } });
      t.equal(await inspect('{{.State.Status}}'), state);
      await eventually(seen, { until: (it) => it === state, ...SAME_TRUTH });
    }
    const before = await inspect('{{.State.StartedAt}}');
    await post(`/services/${box}/restart`);
    t.not(await inspect('{{.State.StartedAt}}'), before);
  });

  await t.test('stops and starts a service, and its webhook says so', async (t) => {
    const receiver = await startReceiver(t);
    const events = ['service:start', 'service:stop', 'service:error'];
    t.equal((await post('/webhooks', { url: receiver.url, events, secret: SECRET })).status, 200);
    t.match(await post(`/services/${web}/stop`), { status: 200, body: { data: { status: 'stopped' } } });
    await eventually(service, { until: ({ status }) => status === 'stopped', ...SAME_TRUTH });
    t.match(await post(`/services/${web}/start`), { status: 200, body: { data: { status: 'running' } } });
    await eventually(service, { until: isDeployed, ...SAME_TRUTH });
    t.match(await post(`/services/${web}/restart`), { status: 200, body: { data: { status: 'running' } } });
    const heard = await receiver.until(3);
    const told = heard.map(({ body }) => (JSON.parse(body) as { event: string }).event);
    t.equal(told[0], 'service:stop');
    t.ok(told.includes('service:start'));
    for (const { body, headers } of heard) {
      const signature = createHmac('sha256', SECRET).update(body).digest('hex');
      t.equal(headers['x-webhook-signature'], `sha256=${signature}`);
    }
  });

  await t.test('updates a service', async (t) => {
    const answer = await post(`/services/${web}/update`);
    t.match(answer, { status: 200, body: { data: { message: 'Service updated successfully', version: '1' } } });
    t.match((await get<Shown>(`/services/${web}`)).body.data, { status: 'running' });
  });

  await t.test('updates what belongs to nobody, or leaves it as it was', async (t) => {
    const volume = await inspect('{{(index .Mounts 0).Name}}');
    await docker(['tag', 'longshore-test/web:2', image]);
    t.match(await post(`/services/${box}/update`), { status: 200, body: { data: { version: 'latest' } } });
    const newest = await docker(['image', 'inspect', '-f', '{{.Id}}', 'longshore-test/web:2']);
    t.equal(await inspect('{{.Image}}'), newest);
    t.equal(await inspect('{{.HostConfig.Memory}}'), String(64 * 2 ** 20));
    t.equal(await inspect('{{(index .Mounts 0).Name}}'), volume, 'with its data');
    await docker(['tag', 'longshore-test/crash:1', image]);
    t.match(await post(`/services/${box}/update`), { status: 409, body: { success: false, error: /is as it was/ } });
    t.equal(await inspect('{{.Image}} {{.State.Running}}'), `${newest} true`);
  });

  await t.test('no service may publish its port', async (t) => {
    const compose = `services: { web: { image: "busybox:1", ports: ["${port}:80"] } }`;
    const body = { name: uniqueName('aikit-port'), deploy_method: 'compose', compose };
    const refused = await send<object>('POST', `${up.url}/api/services`, { key: up.key, body });
    t.match(refused, { status: 422, body: { error: { code: 'compose_policy' } } });
  });

  await t.test('words what goes wrong as its document does', async (t) => {
    const refused = { success: false, error: /./ };
    t.match(await get('/services/no-such'), { status: 404, body: refused });
    t.match(await get('/services?filter=odd'), { status: 400, body: refused });
    t.match(await get('/services', 'lsk_unknown'), { status: 401, body: refused });
    t.match(await get('/no/such'), { status: 404, body: refused });
    t.equal((await send('GET', `${up.url}/api/customers`)).status, 403, 'its key does no more than it must');
  });
});
