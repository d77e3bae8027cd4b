// Hosts as people type them: by name, where the API takes ids; and what is asked of one.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { startFakeApi } from '../support/fake-api.ts';

const listOf = <T>(...data: T[]) => ({ body: { data, total: data.length, page: 1, per_page: 100 } });
const NOTHING_PLANNED = {
  plan_id: null,
  deploys: true,
  commit: null,
  proposal: null,
  downtime: { services: [] },
  services: [],
  images: [],
  volumes: [],
  findings: [],
  preflight: [],
};

void t.test('a host is found by its name, also when one of that name was revoked before', async (t) => {
  const [old, now] = [
    { id: 'host_1', name: 'eu-1', status: 'revoked' },
    { id: 'host_2', name: 'eu-1', status: 'connected' },
  ];
  let hosts = [old, now];
  const api = await startFakeApi(t, () => listOf(...hosts));
  await runCli(['hosts', 'get', 'eu-1'], api);
  t.equal(api.asked.at(-1)?.path, '/api/hosts/host_2');
  hosts = [old];
  await runCli(['hosts', 'get', 'eu-1'], api);
  t.equal(api.asked.at(-1)?.path, '/api/hosts/host_1');
  hosts = [now, { ...now, id: 'host_3' }];
  t.match(await runCli(['hosts', 'get', 'eu-1'], api), { exitCode: 2, stderr: /Several hosts are called "eu-1"/ });
});

void t.test('a plan of what is new is asked for the host and the customer it will have', async (t) => {
  const api = await startFakeApi(t, ({ method, path }) => {
    if (path === '/api/hosts') return listOf({ id: 'host_1', name: 'eu-1' });
    if (path === '/api/customers') return listOf({ id: 'cust_1', name: 'acme' });
    return method === 'POST' ? { body: NOTHING_PLANNED } : listOf();
  });
  const file = t.testdir({ 'compose.yaml': 'services: { web: { image: "x:1" } }' });
  const args = ['--name', 'web', '--host', 'eu-1', '--customer', 'acme', '--plan'];
  t.match(await runCli(['deploy', '-f', `${file}/compose.yaml`, ...args], api), { exitCode: 0 });
  t.match(api.asked.at(-1), { path: '/api/services/plan', body: { host_id: 'host_1', customer_id: 'cust_1' } });
});

void t.test('prune takes a duration, and rounds it up to the hours of the API', async (t) => {
  const pruned = { images: [], images_freed_bytes: 0, build_cache_freed_bytes: 0, protected: 0, recent: 0, left: 0 };
  const api = await startFakeApi(t, () => ({ body: { ...pruned, dry_run: false } }));
  await runCli(['hosts', 'prune', 'host_1', '--older-than', '7d'], api);
  await runCli(['hosts', 'prune', 'host_1', '--older-than', '90m'], api);
  t.match(api.asked, [{ body: { older_than_hours: 168 } }, { body: { older_than_hours: 2 } }]);
  t.match(await runCli(['hosts', 'prune', 'host_1', '--older-than', '7'], api), { exitCode: 2 });
});
