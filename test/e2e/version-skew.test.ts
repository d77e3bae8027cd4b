// A fleet is never of one version: today's control plane with the agent of the release before, and the other way round,
// both as they were built then, on a real engine.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { createReleaseKey, writeRelease } from '../support/host-release.ts';
import { makeFolder } from '../support/folder.ts';
import { unpackOldRelease } from '../support/old-release.ts';
import { Program, startStack, type Stack, type StackOptions } from '../support/stack.ts';
import { CLI } from '../support/up.ts';

const BEFORE = '0.1.0';

const compose = (name: string) => `services:
  web:
    image: longshore-test/logger:1
    container_name: ${name}
    stop_grace_period: 0s
`;

async function start(t: Test, options: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  t.teardown(() => stack.stop());
  await stack.untilConnected();
  return stack;
}

/** What every host is for. Returns the id of the service. */
async function work(t: Test, { api }: Stack, name: string): Promise<string> {
  const made = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: compose(name),
    variables: { GREETING: 'hello' },
  });
  t.match(await api.jobEnd(made.body.deploy_job_id), { state: 'succeeded' }, 'deploys');
  const { id } = made.body;
  const logs = () => api.get<{ logs?: unknown[]; data?: unknown[] }>(`/api/services/${id}/logs?tail=5`);
  await eventually(logs, { until: ({ status, body }) => status === 200 && JSON.stringify(body).includes('line') });
  const redeploy = await api.post<{ deploy_job_id: string }>(`/api/services/${id}/redeploy`, { pull: 'never' });
  t.match(await api.jobEnd(redeploy.body.deploy_job_id), { state: 'succeeded' }, 'deploys again');
  for (const act of ['stop', 'start', 'restart']) {
    t.equal((await api.post(`/api/services/${id}/${act}`, {})).status, 200, act);
  }
  const found = () => api.get<{ matches?: unknown[] }>('/api/logs/search?q=line');
  await eventually(found, { until: ({ body }) => (body.matches ?? []).length > 0 });
  t.match(await api.get(`/api/services/${id}/revisions`), { status: 200 }, 'revisions');
  t.match(await api.get(`/api/services/${id}/stats`), { status: 200 }, 'figures');
  return id;
}

void t.test('F40: an agent of the release before works under this control plane', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const { agent } = unpackOldRelease(t, BEFORE);
  const dist = makeFolder(t, 'dist');
  writeRelease(dist, '0.2.0', createReleaseKey());
  const stack = await start(t, { agentEntry: agent, controlEnv: { LONGSHORE_DIST_DIR: dist } });
  const { api } = stack;
  const id = await work(t, stack, uniqueProject(t, 'skew'));

  const hosts = await api.get<{ data: { facts: object }[] }>('/api/hosts');
  t.match(hosts.body.data, [{ status: 'connected', facts: { agent_version: BEFORE } }]);
  const upgrade = await api.post<{ id: string }>('/api/hosts/upgrades', {});
  const fetchUpgrade = async () => (await api.get<{ state: string }>(`/api/hosts/upgrades/${upgrade.body.id}`)).body;
  t.match(
    await eventually(fetchUpgrade, { until: ({ state }) => state === 'succeeded' }),
    { waves: [{ hosts: [{ state: 'skipped', reason: /too old to be upgraded from here/ }] }] },
    'it is told what to do instead',
  );
  t.equal((await api.delete(`/api/services/${id}`)).status, 204);
});

void t.test('F40: this agent works under the control plane of the release before', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const { control } = unpackOldRelease(t, BEFORE);
  const stack = await start(t, { controlEntry: control });
  const name = uniqueProject(t, 'skew');
  const id = await work(t, stack, name);
  t.notMatch(stack.control.output, /protocol_violation/);

  await t.test('whose database goes over to this one, and not back', async (t) => {
    const started = () => docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}}', name]);
    const before = await started();
    await stack.control.end('SIGTERM');
    const dataDir = join(stack.dir, 'control');
    const listen = new URL(stack.api.url).host;
    const args = [CLI, 'control', '--listen', listen, '--data-dir', dataDir];
    const today = new Program(args, join(stack.dir, 'today.log'));
    t.teardown(() => today.end('SIGKILL'));
    today.start();
    await stack.untilConnected();
    t.match((await stack.api.get(`/api/services/${id}`)).body, { status: 'running' });
    t.equal(await started(), before);
    const kept = readdirSync(dataDir).filter((file) => file.startsWith('control.db.before-'));
    t.equal(kept.length, 1, 'the database is kept as it was');
    t.equal((await stack.api.delete(`/api/services/${id}`)).status, 204);
    await today.end('SIGTERM');
    stack.control.start();
    await stack.control.gone();
    t.equal(await stack.control.end('SIGTERM'), 78);
    t.match(stack.control.output, /schema_too_new/);
  });
});
