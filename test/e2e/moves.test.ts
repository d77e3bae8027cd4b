// Services that go from host to host with their data: control and two agents as real processes, each agent with a Docker
// Engine of its own, and restic's REST server between them. Then one host is lost.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { Api } from '../support/api.ts';
import { docker, ensureImages, ensureServers, removeProject, requireDocker, uniqueName } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { type NestedEngine, startNestedEngine } from '../support/nested-engine.ts';
import { Program, startStack, type Stack } from '../support/stack.ts';
import { startVault } from '../support/vault.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const WAIT = { timeoutMs: 120_000 };

const COMPOSE = `services:
  app:
    image: busybox:1
    network_mode: none
    init: true
    stop_grace_period: 0s
    command: sleep 100000
    volumes: ["data:/data"]
    healthcheck: { test: [CMD, test, -s, /data/blob], interval: 200ms, retries: 300 }
volumes: { data: {} }
`;
/** The healthcheck of the first start needs the file, as that of a database needs its tables. */
const FIRST = COMPOSE.replace('command: sleep 100000', 'command: sh -c "echo first >/data/blob; exec sleep 100000"');
/** Odd names, owners, links and holes; then its hash, which tells of every byte and of owners and modes. */
const FILL = `head -c 8000000 /dev/urandom >/data/blob; mkdir -p "/data/a b"; ln -s ../blob "/data/a b/link"; echo x >/data/x
  chown 70:70 /data/x; chmod 600 /data/x; truncate -s 3000000 /data/hole`;
const HASH =
  'cd /data; (find . -type f | sort | xargs md5sum; find . | sort | xargs -d "\\n" stat -c "%n %u %g %a %F") | md5sum';

type Run = (...args: string[]) => Promise<string>;
const onMain: Run = (...args) => docker(args);

interface Fleet {
  stack: Stack;
  engine: NestedEngine;
  agentB: Program;
  a: string;
  b: string;
}

async function startSecond(t: Test, stack: Stack, engine: NestedEngine): Promise<Program> {
  const dir = makeFolder(t, 'agent-b');
  const { token } = (await stack.api.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
  const args = [CLI, 'agent', '--token', token, '--data-dir', join(dir, 'agent')];
  const env = { LONGSHORE_RECONNECT_MAX: '1', LONGSHORE_DOCKER_SOCKET: engine.socket };
  const agent = new Program(args, join(dir, 'agent.log'), env);
  t.teardown(() => agent.end('SIGTERM'));
  agent.start();
  return agent;
}

const hostIds = async (api: Api) =>
  (await api.get<{ data: { id: string; status: string }[] }>('/api/hosts?sort=created_at&order=asc')).body.data;

async function startFleet(t: Test): Promise<Fleet> {
  const engine = await startNestedEngine(t);
  const stack = await startStack();
  t.teardown(() => stack.stop());
  const a = (await hostIds(stack.api))[0]?.id ?? '';
  const agentB = await startSecond(t, stack, engine);
  const connected = async () => (await hostIds(stack.api)).filter(({ status }) => status === 'connected');
  const both = await eventually(connected, { until: ({ length }) => length === 2, ...WAIT });
  return { stack, engine, agentB, a, b: both.find(({ id }) => id !== a)?.id ?? '' };
}

async function createOn(t: Test, api: Api, hostId: string, compose: string): Promise<{ id: string; name: string }> {
  const name = uniqueName('move');
  t.teardown(() => removeProject(name));
  const body = { name, host_id: hostId, deploy_method: 'compose', compose };
  const made = (await api.post<{ id: string; deploy_job_id: string }>('/api/services', body)).body;
  t.match(await api.jobEnd(made.deploy_job_id), { state: 'succeeded' });
  return { id: made.id, name };
}

const inside = (run: Run, name: string, script: string) => run('exec', `${name}-app-1`, 'sh', '-ec', script);

/** Containers, volumes and networks of a project. */
async function tracesOf(run: Run, project: string): Promise<string> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`, '-q'];
  const found = await Promise.all([run('ps', '-a', ...filter), run('volume', 'ls', ...filter)]);
  return found.join('');
}

interface MoveAnswer {
  id: string;
  state: string;
  finished_at: string | null;
  error: unknown;
  steps: { step: string; state: string }[];
}

void t.test('services on their way', async (t) => {
  if (!(await requireDocker(t))) return;
  await Promise.all([ensureImages(), ensureServers()]);
  const [vault, fleet] = await Promise.all([startVault(t), startFleet(t)]);
  const { stack, engine, agentB, a, b } = fleet;
  const { api } = stack;
  const onB: Run = (...args) => engine.docker(...args);
  const { url, env: credentials } = vault.rest('fleet');
  const repository = (await api.post<{ id: string }>('/api/backup-repositories', { url, credentials })).body.id;
  const service = await createOn(t, api, a, FIRST);
  await inside(onMain, service.name, FILL);
  const hash = await inside(onMain, service.name, HASH);
  const look = async () => (await api.get<{ host_id: string; status: string }>(`/api/services/${service.id}`)).body;

  await t.test('one goes to another host byte for byte, with control killed on the way', async (t) => {
    const { body: changed } = await api.call('PATCH', `/api/services/${service.id}`, { compose: COMPOSE });
    t.match(await api.jobEnd(String(changed['deploy_job_id'])), { state: 'succeeded' });
    const begun = await api.post<MoveAnswer>(`/api/services/${service.id}/move`, {
      host_id: b,
      repository_id: repository,
    });
    t.match(begun, { status: 202, body: { state: 'running' } });
    const path = `/api/moves/${begun.body.id}`;
    const fetchMove = async () => (await api.get<MoveAnswer>(path)).body;
    await eventually(fetchMove, {
      until: ({ steps }) => steps.some((one) => one.step === 'stop' && one.state !== 'waiting'),
      ...WAIT,
    });
    await stack.control.end('SIGKILL');
    stack.control.start();
    const ended = await eventually(fetchMove, { until: (move) => move.finished_at !== null, ...WAIT });
    t.match(ended, { state: 'succeeded', error: null });
    t.match(await look(), { host_id: b, status: 'running' });
    t.equal(await inside(onB, service.name, HASH), hash);
    t.equal(await tracesOf(onMain, service.name), '', 'the old one is gone');
  });

  await t.test('a lost host: one command, and what had backups elsewhere is up on the other one', async (t) => {
    const second = await createOn(t, api, b, FIRST);
    const bare = await createOn(t, api, b, FIRST);
    for (const { id } of [service, second]) {
      const made = await api.post<{ job_id: string }>(`/api/services/${id}/backups`, { repository_id: repository });
      t.match(await api.jobEnd(made.body.job_id), { state: 'succeeded' });
    }
    await agentB.end('SIGKILL');
    const isGone = async () => (await hostIds(api)).find(({ id }) => id === b)?.status;
    await eventually(isGone, { until: (status) => status === 'offline', ...WAIT });

    const before = performance.now();
    const restore = new Program(
      [CLI, 'hosts', 'restore', b, '--to', a, '--url', api.url, '--json'],
      join(makeFolder(t, 'cli'), 'restore.log'),
      { LONGSHORE_API_KEY: api.key },
    );
    restore.start();
    await restore.gone();
    t.comment(
      `two services of a lost host were up elsewhere after ${((performance.now() - before) / 1000).toFixed(1)} s`,
    );
    const answer = (await api.get<{ services: { service_id: string }[] }>(`/api/hosts/${b}/restore`)).body;
    const of = (id: string) => answer.services.find((one) => one.service_id === id);
    t.match(answer, { state: 'failed' }, restore.output);
    t.match(of(service.id), { state: 'succeeded', backup_at: String });
    t.match(of(second.id), { state: 'succeeded' });
    t.match(of(bare.id), { state: 'left', reason: 'There is no backup of it outside of its host' });
    t.match(await look(), { host_id: a, status: 'running' });
    t.equal(await inside(onMain, service.name, HASH), hash);

    t.equal(
      await onB('inspect', '-f', '{{.State.Status}}', `${service.name}-app-1`),
      'running',
      'its containers live on',
    );
    agentB.start();
    const stateOnB = () => onB('inspect', '-f', '{{.State.Status}}', `${service.name}-app-1`);
    await eventually(stateOnB, { until: (state) => state === 'exited', ...WAIT });
    t.match(await look(), { host_id: a, status: 'running' }, 'the returned host changes nothing about it');
    t.equal(
      await onB('inspect', '-f', '{{.State.Status}}', `${bare.name}-app-1`),
      'running',
      'what is nowhere else runs on',
    );
    t.notOk(readFileSync(join(stack.dir, 'control.log'), 'utf8').includes('protocol_violation'));
  });
});
