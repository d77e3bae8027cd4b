// Control planes that come back: stopped again and again, put back from a backup, and to a host that was shut out while
// it was away. Real processes, real containers, one stack.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../support/cli.ts';
import { ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Oracle } from '../support/oracle.ts';
import { startStack, type Stack } from '../support/stack.ts';

const COMPOSE = `services:
  web: { image: "busybox:1", command: [sleep, "1000"], init: true, network_mode: none, stop_grace_period: 0s }
`;
const ROLLS = 3;

async function deploy({ api }: Stack, name: string): Promise<string> {
  const { body } = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
  });
  const { state, error } = await api.jobEnd(body.deploy_job_id);
  if (state !== 'succeeded') throw new Error(JSON.stringify(error));
  return body.id;
}

interface Told {
  data: { status: string; message: string }[];
}

const untilHostIs = ({ api }: Stack, hostId: string, status: string) =>
  eventually(() => api.get(`/api/hosts/${hostId}`), {
    until: ({ body }) => body['status'] === status,
    timeoutMs: 60_000,
  });

t.test('a control plane returns', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const stack = await startStack();
  t.teardown(() => stack.stop());
  const { api, control, agent, dir } = stack;
  const [calm, busy, since] = ['calm', 'busy', 'since'].map((prefix) => uniqueProject(t, prefix)) as [
    string,
    string,
    string,
  ];
  const [calmId, busyId] = await Promise.all([deploy(stack, calm), deploy(stack, busy)]);
  const hosts = await api.get<{ data: { id: string }[] }>('/api/hosts');
  const hostId = hosts.body.data[0]?.id ?? '';
  const oracle = new Oracle(stack);
  for (const id of [calmId, busyId]) oracle.acknowledged(`/api/services/${id}`);
  await oracle.remember(calm);
  const ask = async (t: Test) => t.strictSame((await oracle.ask()).faults, []);

  await t.test('F08: stopped and started again and again, under work: every job ends well, none is lost', async (t) => {
    for (let roll = 0; roll < ROLLS; roll++) {
      const asked = await api.post<{ job_id?: string }>(`/api/services/${busyId}/restart?wait=0`);
      t.equal(asked.status, 202);
      const jobId = asked.body.job_id ?? '';
      oracle.acknowledged(`/api/jobs/${jobId}`);
      t.equal(await control.end('SIGTERM'), 0);
      control.start();
      await stack.untilConnected();
      t.match(await api.jobEnd(jobId), { state: 'succeeded', error: null });
    }
    await ask(t);
  });

  await t.test('F35: put back from an old backup it destroys nothing, and goes on after its host', async (t) => {
    const file = join(dir, 'control.backup');
    const longshore = (...verb: string[]) => runCli(['control', ...verb, '--data-dir', join(dir, 'control')]);
    t.match(await longshore('backup', file), { exitCode: 0, stderr: '' });
    const lostId = await deploy(stack, since);
    await oracle.remember(since);
    t.match(await longshore('restore', file), { exitCode: 5, stderr: /a control plane is running/ });
    await control.end('SIGKILL');
    t.match(await longshore('restore', file), { exitCode: 0, stderr: '' });
    control.start();
    await stack.untilConnected();
    t.equal((await api.get(`/api/services/${lostId}`)).status, 404, 'it does not know what was made since');
    await ask(t);
    const { body } = await api.get<Told>(`/api/hosts/${hostId}/events`);
    t.ok(body.data.some(({ status }) => status === 'control_restored'));
    t.match(body.data.find(({ status }) => status === 'services_forgotten')?.message, lostId);
    const again = await api.post<{ deploy_job_id: string }>(`/api/services/${busyId}/redeploy`, {});
    t.match(await api.jobEnd(again.body.deploy_job_id), { state: 'succeeded', error: null });
    await ask(t);
  });

  await t.test('F48: shut out while it was away, a host stops acting and leaves what runs running', async (t) => {
    await oracle.remember(busy);
    await agent.end('SIGKILL');
    await untilHostIs(stack, hostId, 'offline');
    t.equal((await api.post(`/api/hosts/${hostId}/revoke`)).status, 200);
    agent.start();
    await eventually(() => agent.output.includes('"state":"revoked"'), { timeoutMs: 30_000 });
    await eventually(() => oracle.factOnHost('revokedAt') !== undefined);
    t.equal((await api.get(`/api/hosts/${hostId}`)).body['status'], 'revoked');
    t.strictSame(await oracle.askCalm(), []);
  });
});
