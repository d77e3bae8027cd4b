// A set over three hosts: one real agent with real containers, and two that join over the wire and have none.
import t from 'tap';
import { Api } from '../support/api.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';
import { WireHost } from '../support/wire-host.ts';

interface SetBody {
  id: string;
  state: string;
  rollout: { id: string; halted_by: { host_id: string; reason: string } | null };
  members: { host_id: string; host_name: string; service_id: string; up_to_date: boolean; status: string }[];
}

const composeOf = (image: string) =>
  `services:\n  web:\n    image: ${image}\n    init: true\n    stop_grace_period: 0s\n    healthcheck: {test: ["CMD", "true"], interval: 1s, start_interval: 100ms, start_period: 5s}\n`;

void t.test('a set rolls out in waves, halts at the host where it fails, and goes on after a crash', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'set');
  const wires: WireHost[] = [];
  for (const host of ['wire-1', 'wire-2']) {
    const { token } = (await api.post<{ token: string }>('/api/hosts/join-tokens', {})).body;
    wires.push(new WireHost(host, token));
  }
  for (const wire of wires) await wire.connect();
  t.teardown(() => wires.forEach((wire) => wire.leave()));

  const made = await api.post<{ set_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: composeOf('longshore-test/web:1'),
    placement: { labels: {}, replicas: 'per_host', max_parallel: 5 },
  });
  t.equal(made.status, 201);
  const path = `/api/service-sets/${made.body.set_id}`;
  const set = async () => (await api.get<SetBody>(path)).body;
  const until = (state: string) => eventually(set, { until: (now) => now.state === state, timeoutMs: 60_000 });
  const containers = async () => {
    const filter = `label=com.docker.compose.project=${name}`;
    return docker(['ps', '--filter', filter, '--format', '{{.Image}}']);
  };

  await t.test('every host has a member', async (t) => {
    const { members } = await until('steady');
    t.equal(members.length, 3);
    t.ok(members.every((member) => member.up_to_date && member.status === 'running'));
    t.equal(await containers(), 'longshore-test/web:1');
    t.strictSame(
      wires.map(({ offers }) => offers.length),
      [1, 1],
    );
  });
  const real = (await set()).members.find(({ host_name: host }) => !host.startsWith('wire-'));

  await t.test('where it fails it is put back, and the rollout halts there', async (t) => {
    await api.call('PATCH', path, { compose: composeOf('longshore-test/crash:1') });
    const { rollout } = await until('halted');
    t.match(rollout.halted_by, { host_id: real?.host_id, reason: /exited|healthy/ });
    t.equal(await containers(), 'longshore-test/web:1');
  });

  await t.test('a change that works takes its place, also when everything is killed in the middle', async (t) => {
    await api.call('PATCH', path, { compose: composeOf('longshore-test/web:2') });
    await up.kill();
    await up.start();
    for (const wire of wires) await wire.connect();
    const { members } = await until('steady');
    t.ok(members.every((member) => member.up_to_date));
    t.equal(await containers(), 'longshore-test/web:2');
    for (const { offers } of wires) {
      const jobs = offers.map(({ jobId }) => jobId);
      t.equal(new Set(jobs).size, jobs.length, 'no job came twice');
      t.match(offers.at(-1)?.spec?.compose, /web:2/);
    }
  });

  await t.test('one member is stopped and started by itself, and not deleted', async (t) => {
    const member = `/api/services/${real?.service_id}`;
    t.match(await api.delete(member), { status: 409, body: { error: { message: new RegExp(made.body.set_id) } } });
    t.equal((await api.post(`${member}/stop`)).status, 200);
    t.equal((await api.post(`${member}/start`)).status, 200);
  });

  await t.test('deleting the set leaves nothing', async (t) => {
    t.equal((await api.delete(path)).status, 204);
    t.equal((await api.get(path)).status, 404);
    t.equal(await containers(), '');
  });
});
