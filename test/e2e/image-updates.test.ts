// A service that takes newer images by itself, from one end to the other: a registry whose tag moves on, a control plane,
// an agent, Docker. What is well is taken; what is not is put back and not tried again.
import t from 'tap';
import { Api } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { docker, ensureImages, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingRegistry, startRegistry } from '../support/registry.ts';
import { startUp } from '../support/up.ts';

const skip = await missingRegistry();

interface Seen {
  update_available: boolean | null;
  updates: { state: string; reason: string | null }[];
}

/** Open now and for hours, and long enough for every service to have had its turn. */
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3600_000).toISOString().slice(11, 16);

t.test('a tag that moves on is taken by itself; one that does not run is put back once', { skip }, async (t) => {
  await ensureImages();
  const registry = await startRegistry(t, 'canary-of-the-window');
  const image = await registry.push('longshore-test/web:1', 'team/web:stable');
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const cli = (...args: string[]) => runCli(args, { url: up.url, env: up.env });
  await api.post('/api/registries', {
    server: registry.server,
    username: registry.username,
    password: registry.password,
  });
  const port = await freePort();
  const name = uniqueProject(t, 'e2e-update');
  const compose = `services: {web: {image: "${image}", stop_grace_period: 0s, ports: ["127.0.0.1:${port}:80"]}}`;
  const body = { name, deploy_method: 'compose', compose, health_timeout_s: 20 };
  const made = await api.post<{ id: string; deploy_job_id: string }>('/api/services', body);
  const path = `/api/services/${made.body.id}`;
  t.teardown(() => api.delete(path));
  t.match(await api.jobEnd(made.body.deploy_job_id), { state: 'succeeded' });
  const page = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
  const seen = async () => (await api.get<Seen>(path)).body;
  const jobs = async () =>
    (
      await api.get<{ data: { id: string; kind: string; state: string; cause: string | null }[] }>(
        `/api/jobs?service_id=${made.body.id}`,
      )
    ).body.data;
  const endOfUpdate = async (count: number) => {
    const [job] = await eventually(jobs, { until: (list) => list.length === count, timeoutMs: 20_000 });
    return api.jobEnd(job?.id ?? '');
  };
  await eventually(seen, { until: ({ update_available }) => update_available === false }); // it looks after a deploy

  await registry.push('longshore-test/web:2', 'team/web:stable');
  const checked = await cli('services', 'check-updates', name);
  t.match(checked, {
    exitCode: 0,
    stdout: new RegExp(`web\\tnewer\\t${image}`),
    stderr: /longshore services redeploy/,
  });
  t.match((await cli('services', 'list', '--update-available')).stdout, new RegExp(`${name}\\t.*\\tnewer\\t`));
  t.match(await page(), 'v1', 'nobody has asked for it');

  t.match(await cli('services', 'update', name, '--auto-update', 'sometimes'), { exitCode: 2, stderr: /is no window/ });
  t.match(await cli('services', 'update', name, '--auto-update', `${hoursAgo(2)} 24h UTC`), { exitCode: 0 });
  t.match((await cli('services', 'get', name)).stdout, /auto-update\t\d\d:\d\d 1440m UTC/);
  t.match(await endOfUpdate(2), { kind: 'redeploy', state: 'succeeded' });
  t.match((await jobs())[0], { cause: 'newer images' });
  t.match(await page(), 'v2');
  await eventually(seen, { until: ({ update_available }) => update_available === false });

  await registry.push('longshore-test/crash:1', 'team/web:stable');
  await api.post(`${path}/check-updates`);
  t.match(await endOfUpdate(3), { state: 'failed', rolled_back_to: 2, error: { code: 'exited' } });
  t.match(await page(), 'v2', 'what ran runs');
  await eventually(seen, { until: ({ update_available }) => update_available === true });
  t.match((await api.post<Seen>(`${path}/check-updates`)).body, {
    update_available: true,
    updates: [{ state: 'newer' }],
  });
  t.equal((await jobs()).length, 3, 'and it is not tried again');

  const { body: hosts } = await api.get<{ data: { id: string }[] }>('/api/hosts');
  const dry = await cli('hosts', 'prune', hosts.data[0]?.id ?? '', '--dry-run', '--older-than', '1h');
  t.match(dry, { exitCode: 0, stderr: /would free at least/ });
  t.notMatch(dry.stdout, name);
  registry.removeTag('team/web:stable');
  t.match((await api.post<Seen>(`${path}/check-updates`)).body, {
    update_available: null,
    updates: [{ state: 'unknown', reason: `Registry "${registry.server}" has no "${image}"` }],
  });
  t.match(await docker(['ps', '-q', '--filter', `label=com.docker.compose.project=${name}`]), /^\w+$/);
});
