// Searching logs from outside: a running control plane with a real host and one that is away, on the command line.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Api } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { startUp } from '../support/up.ts';
import { WireHost } from '../support/wire-host.ts';

const SECRET = 'correct-horse-battery';
const SCRIPT =
  'echo "$WHO starts with $TOKEN"; echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!; sleep 1000';
const COMPOSE = `
services:
  web:
    image: busybox:1
    init: true
    environment: {WHO: "\${WHO}", TOKEN: "\${TOKEN}"}
    command: ["sh", "-c", ${JSON.stringify(SCRIPT.replaceAll('$', '$$$$'))}]
    stop_grace_period: 1s
`;

interface Found {
  matches: { message: string; replaced: boolean; service_name: string }[];
  complete: boolean;
  hosts: { host_name: string; complete: boolean; reason: string | null }[];
}

void t.test('logs are searched on all hosts, past and present', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'search');
  const file = join(makeFolder(t, 'e2e'), 'compose.yaml');
  writeFileSync(file, COMPOSE);
  const run = (...args: string[]) => runCli(args, { url: up.url, env: { LONGSHORE_API_KEY: up.key } });
  const search = async (query: string) => (await api.get<Found>(`/api/logs/search?${query}`)).body;
  const found = async (query: string) =>
    (await search(query)).matches.map(({ message, replaced }) => ({ message, replaced }));
  /** Docker writes what a container says a moment later. */
  const says = (who: string) => eventually(() => found(`q=${who}%20starts`), { until: (lines) => lines.length > 0 });

  const variables = ['--env', 'WHO=first', '--env', `TOKEN=${SECRET}`];
  t.match(await run('deploy', '-f', file, '--name', name, ...variables, '--follow'), { exitCode: 0 });
  await says('first');
  t.match(await run('services', 'update', name, '--env', 'WHO=second', '--follow'), { exitCode: 0 });
  await says('second');

  await t.test('lines of a container that a deploy replaced are found', async (t) => {
    t.same(await found('q=starts'), [
      { message: 'second starts with ***', replaced: false },
      { message: 'first starts with ***', replaced: true },
    ]);
    t.match(await run('logs', 'search', 'STARTS', '-i', '--service', name, '--since', '1h'), {
      exitCode: 0,
      stdout: /first starts with \*\*\*\n.*second starts with \*\*\*\n$/,
      stderr: '',
    });
  });

  await t.test('A63: a secret is not found by its value', async (t) => {
    t.match(await search(`q=${SECRET}`), { matches: [], complete: true });
    t.match(await search('q=correct-h&regex=true'), { matches: [], complete: true });
  });

  await t.test('an expression that backtracks for years costs its time and no more', async (t) => {
    const query = new URLSearchParams({ q: '^(a+)+b$', regex: 'true', timeout: '1' });
    const slow = search(query.toString());
    t.match(await found('q=second'), [{ message: 'second starts with ***' }], 'the host answers others meanwhile');
    t.match(await slow, { complete: false, hosts: [{ complete: false, reason: 'deadline' }] });
  });

  await t.test('a host that is away is named', async (t) => {
    const { body } = await api.post<{ token: string }>('/api/hosts/join-tokens', {});
    const away = new WireHost('away', body.token);
    await away.connect();
    const { body: hosts } = await api.get<{ data: { id: string; name: string }[] }>('/api/hosts');
    const id = hosts.data.find((host) => host.name === 'away')?.id;
    const made = await api.post('/api/services', { name, host_id: id, deploy_method: 'compose', compose: COMPOSE });
    t.equal(made.status, 201);
    t.match((await search('q=starts')).hosts, [{ host_name: 'away', reason: 'not_supported' }, { complete: true }]);
    away.leave();
    const reasons = async () => (await search('q=starts')).hosts.map(({ reason }) => reason);
    await eventually(reasons, { until: ([reason]) => reason === 'host_offline' });
    t.match(await search('q=starts'), { matches: [{}, {}], complete: false, hosts: [{}, { reason: null }] });
    t.match((await run('logs', 'search', 'starts')).stderr, 'away: not searched (host_offline)\n');
  });
});
