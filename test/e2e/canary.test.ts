// Canaries: secrets with names of their own go through everything a service can live through, on real processes and a
// real engine. Afterwards none of them may be found anywhere but where secrets are kept: sealed, or in the service's
// folder on its host.
//
// What is new and handles secrets joins here: a way in (a canary that is planted) and a way out (a place that is
// searched, below).
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { PERMISSIONS } from '../../control/app/access/permissions.ts';
import { Api, type Answer } from '../support/api.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { docker, ensureImages, missingDocker, uniqueName, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startStack, type Stack } from '../support/stack.ts';

const skip = await missingDocker();

/** Told apart in a failure by the word in the middle. */
const CANARY = {
  own: uniqueName('canary-own'),
  former: uniqueName('canary-former'),
  shared: uniqueName('canary-shared'),
  literal: uniqueName('canary-literal'),
  registry: uniqueName('canary-registry'),
};
const PRINTS = 'echo own=$$OWN_PASSWORD shared=$$SHARED_TOKEN literal=$$LITERAL_TOKEN; echo -n $$OWN_PASSWORD | base64';

const composeFile = (command: string, { image = 'busybox:1', healthcheck = '{disable: true}' } = {}) => `
services:
  app:
    image: "${image}"
    init: true
    stop_grace_period: 1s
    command: ["sh", "-c", "${command}"]
    healthcheck: ${healthcheck}
    environment:
      OWN_PASSWORD: \${OWN_PASSWORD}
      SHARED_TOKEN: \${SHARED_TOKEN}
      LITERAL_TOKEN: ${CANARY.literal}
      MODE: \${MODE}
  side: {image: "busybox:1", init: true, command: sleep 1000, stop_grace_period: 1s}
`;
const RUNS = composeFile(`${PRINTS}; exec sleep 1000`);

/** Keeps every answer it gets. */
class WatchedApi extends Api {
  readonly answers: string[] = [];

  override async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer: Answer<T> = await super.call<T>(method, path, body, headers);
    this.answers.push(`${method} ${path} ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  patch = (path: string, body: unknown, headers?: Record<string, string>) =>
    this.call<{ deploy_job_id: string }>('PATCH', path, body, headers);
}

/** Takes webhooks and keeps them whole. */
async function startReceiver(t: Test): Promise<{ url: string; received: string[] }> {
  const received: string[] = [];
  const take = async (request: IncomingMessage) =>
    void received.push(`${JSON.stringify(request.headers)} ${await text(request)}`);
  const server = createServer((request, response) => void take(request).then(() => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

async function withoutSecretsRead({ api }: Stack): Promise<WatchedApi> {
  const permissions = PERMISSIONS.filter((permission) => permission !== 'secrets.read');
  const { body } = await api.post<{ secret: string }>('/api/auth/api-keys', { name: 'blind', permissions });
  return new WatchedApi(api.url, body.secret);
}

/** Container → id and start, of the services that are there. */
async function containersOf(project: string): Promise<Record<string, string>> {
  const ids = await docker(['ps', '-q', '--filter', `label=com.docker.compose.project=${project}`]);
  const format = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}';
  const lines = await docker(['inspect', '--format', format, ...ids.split('\n')]);
  return Object.fromEntries(lines.split('\n').map((line) => [line.split(' ')[0], line]));
}

const filesOf = (folder: string): [string, string][] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [`${folder}/${name}`, readFileSync(join(folder, name), 'latin1')]);

t.test('A63, A69: secrets are found nowhere but where they are kept', { skip }, async (t) => {
  await ensureImages();
  const stack = await startStack({ controlEnv: { LONGSHORE_ALLOW_PRIVATE_WEBHOOKS: '1' } });
  t.teardown(() => stack.stop());
  const name = uniqueProject(t, 'canary');
  const api = await withoutSecretsRead(stack);
  const live = api.live('/api/ws');
  await live.opened;
  const { url, received } = await startReceiver(t);
  const argv = watchArgv();
  t.teardown(() => argv.stop());

  // Planted.
  t.equal((await api.post('/api/webhooks', { url, events: ['*'] })).status, 201);
  t.equal((await api.post('/api/variables', { name: 'SHARED_TOKEN', value: CANARY.shared })).status, 201);
  const login = { server: '127.0.0.1:9', username: 'bot', password: CANARY.registry };
  t.equal((await api.post('/api/registries', login)).status, 201);
  const variables = { OWN_PASSWORD: CANARY.former, MODE: '1' };
  const body = { name, deploy_method: 'compose', compose: RUNS, variables };
  const once = { 'idempotency-key': name };
  const made = (await api.post<{ id: string; deploy_job_id: string }>('/api/services', body, once)).body;
  t.match(await api.jobEnd(made.deploy_job_id), { state: 'succeeded' });
  const path = `/api/services/${made.id}`;
  const logs = api.live(`${path}/logs?follow=true`);
  await logs.opened;
  const deploy = async (change: object, headers?: Record<string, string>) =>
    api.jobEnd((await api.patch(path, change, headers)).body.deploy_job_id);

  await t.test('a change recreates the containers it concerns and leaves the others running', async (t) => {
    const before = await containersOf(name);
    t.match(await deploy({ variables: { MODE: '2' } }), { state: 'succeeded' });
    const after = await containersOf(name);
    t.equal(after['side'], before['side'], 'the same id and the same start');
    t.not(after['app'], before['app']);
  });

  // Lived through: a new secret, its repeated answer, failures that quote it, a rollback, an image that cannot be had.
  const change = { variables: { OWN_PASSWORD: CANARY.own } };
  const again = { 'idempotency-key': `${name}-2` };
  t.match(await deploy(change, again), { state: 'succeeded' });
  t.match(await api.patch(path, change, again), { status: 200, body: { variables: { OWN_PASSWORD: '***' } } });
  const crashing = composeFile(`${PRINTS}; exit 3`, { healthcheck: '{test: "true", interval: 5s}' });
  const crash = await deploy({ compose: crashing });
  t.match(crash, { state: 'failed', error: { code: 'exited', details: /own=\*\*\* shared=\*\*\* literal=\*\*\*/ } });
  const missing = await deploy({ compose: composeFile('x', { image: '127.0.0.1:9/${OWN_PASSWORD}:1' }) });
  t.match(missing, { state: 'failed', error: { code: 'image_unavailable', message: /127\.0\.0\.1:9\/\*\*\*/ } });
  const broken = await api.patch(path, { compose: `services: [${CANARY.literal}` });
  t.equal(broken.status, 422);
  t.match(await deploy({ compose: RUNS }), { state: 'succeeded' });

  // Read back, by every route there is for it.
  await eventually(() => logs.messages.some(({ message }) => message === 'own=*** shared=*** literal=***'));
  const jobs = (await api.get<{ data: { id: string }[] }>('/api/jobs?per_page=100')).body.data;
  for (const { id } of jobs) {
    await api.get(`/api/jobs/${id}`);
    await api.get(`/api/jobs/${id}/log`);
  }
  const hooks = (await api.get<{ data: { id: string }[] }>('/api/webhooks')).body.data;
  for (const { id } of hooks) await api.get(`/api/webhooks/${id}/deliveries?per_page=100`);
  const shared = (await api.get<{ data: { id: string }[] }>('/api/variables')).body.data;
  for (const { id } of shared) await api.get(`/api/variables/${id}`);
  const recent = await api.get<{ logs: { message: string }[] }>(`${path}/logs?tail=1000`);
  t.ok(
    recent.body.logs.some(({ message }) => message.startsWith('own=***')),
    'the log was there to be masked',
  );
  for (const read of [
    path,
    '/api/services',
    `${path}/events?per_page=100`,
    '/api/registries',
    '/api/audit?per_page=100',
  ])
    t.equal((await api.get(read)).status, 200, read);
  t.match(await api.get(path), { body: { variables: { OWN_PASSWORD: '***', MODE: '2' } } });
  await eventually(() => received.some((hook) => hook.includes('deploy.failed')));
  t.ok(
    [...argv.seen].some((line) => line.includes('docker-compose') && line.includes(name)),
    'Compose was seen',
  );

  // Searched. A form in which programs print secrets counts as well as the secret itself.
  const places: [string, string][] = [
    ...api.answers.map((answer): [string, string] => ['an answer', answer]),
    ['live events', JSON.stringify(live.messages)],
    ['live logs', JSON.stringify(logs.messages)],
    ['webhooks', received.join('\n')],
    ['command lines', [...argv.seen].join('\n')],
    ["the control plane's log", stack.control.output],
    ["the agent's log", stack.agent.output],
    ...filesOf(join(stack.dir, 'control')),
    ...filesOf(join(stack.dir, 'agent')),
  ];
  for (const database of ['control/control.db', 'agent/agent.db'])
    t.ok(
      places.some(([place]) => place.endsWith(database)),
      `${database} is searched`,
    );
  for (const [which, canary] of Object.entries(CANARY)) {
    for (const form of [canary, Buffer.from(canary).toString('base64').slice(0, -4)]) {
      const found = places.find(([, content]) => content.includes(form));
      t.equal(found?.[0], undefined, `${which} as ${form}`);
      if (found) t.comment(around(found[1], form));
    }
  }
});

const around = (content: string, form: string): string =>
  content.slice(Math.max(0, content.indexOf(form) - 200), content.indexOf(form) + 100);
