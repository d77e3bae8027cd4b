// The client against a scripted far side: what it asks, what it makes of the answers, how it ends.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { SERVICE, listOf } from '../support/cli-answers.ts';
import { startFakeApi } from '../support/fake-api.ts';

void t.test('a list is a table for people, tabs for pipes and the JSON of the API for scripts', async (t) => {
  const api = await startFakeApi(t, () => listOf(SERVICE));
  const piped = await runCli(['services', 'list'], api);
  t.match(
    piped.stdout,
    /^NAME\tSTATUS\tHEALTH\tRESTARTS\tREV\tUPDATE\tAGE\tID\tURL\tREASON\nweb\trunning\thealthy\t0\t1\t-\t\d+s\tsvc_/,
  );
  const shown = await runCli(['services', 'list'], { ...api, columns: 100 });
  t.match(shown.stdout, 'web   \u001b[32mrunning');
  const plain = await runCli(['services', 'list'], { ...api, columns: 100, env: { NO_COLOR: '1' } });
  t.match(plain.stdout, /^NAME {2}STATUS {3}HEALTH/);
  t.notMatch(plain.stdout, '\u001b');
  const json = await runCli(['services', 'list', '--json'], api);
  t.same(JSON.parse(json.stdout), listOf(SERVICE).body);
  t.same(
    [piped, shown, plain, json].map((run) => run.exitCode),
    [0, 0, 0, 0],
  );
});

void t.test('flags become the query, and the key goes into the header and nowhere else', async (t) => {
  const api = await startFakeApi(t, () => listOf());
  await runCli(['services', 'ls', '--status', 'failed', '--search', 'a b', '--sort', 'status', '--page', '2'], api);
  t.match(api.asked, [{ method: 'GET', path: '/api/services', headers: { authorization: 'Bearer lsk_test' } }]);
  t.same(Object.fromEntries(api.asked[0]?.query ?? []), {
    page: '2',
    per_page: '100',
    status: 'failed',
    search: 'a b',
    sort: 'status',
    order: 'asc',
  });
});

void t.test('a service is found by name or id; the exact name counts, not one that holds it', async (t) => {
  const web2 = { ...SERVICE, name: 'web-2', id: 'svc_00000000web2' };
  const api = await startFakeApi(t, ({ path }) =>
    path === '/api/services'
      ? listOf(web2, SERVICE)
      : { body: { id: SERVICE.id, status: 'stopped', message: 'm', job_id: 'job_1' } },
  );
  t.match(await runCli(['services', 'stop', 'web'], api), { exitCode: 0, stdout: 'web: stopped\n' });
  t.match(await runCli(['services', 'restart', SERVICE.id], api), { exitCode: 0 });
  const paths = api.asked.map(({ path }) => path);
  t.same(paths, ['/api/services', `/api/services/${SERVICE.id}/stop`, `/api/services/${SERVICE.id}/restart`]);
  t.match(await runCli(['services', 'stop', 'we'], api), {
    exitCode: 3,
    stderr: /There is no service "we" \(not_found\)/,
  });
});

void t.test('a service is disabled and enabled, and shows what its host did about its failures', async (t) => {
  const failing = {
    ...SERVICE,
    enabled: false,
    failure_count: 6,
    restart_count: 5,
    last_restart_at: '2026-03-29T14:30:00.000Z',
    gave_up_at: '2026-03-29T14:31:00.000Z',
  };
  const rest = { health_checks: [], updates: [], updates_checked_at: null, containers: [] };
  const api = await startFakeApi(t, () => ({ body: { ...failing, ...rest } }));
  t.match(await runCli(['services', 'disable', SERVICE.id], api), { exitCode: 0, stdout: `${SERVICE.id}: disabled\n` });
  t.match(await runCli(['services', 'enable', SERVICE.id], api), { exitCode: 0, stdout: `${SERVICE.id}: enabled\n` });
  t.same(
    api.asked.map(({ method, path }) => `${method} ${path}`),
    [`POST /api/services/${SERVICE.id}/disable`, `POST /api/services/${SERVICE.id}/enable`],
  );
  const { stdout } = await runCli(['services', 'get', SERVICE.id], api);
  const facts = ['disabled: its host leaves it alone', 'given up since 2026-03-29T14:31:00.000Z', '6 failures'];
  t.match(stdout, `healing\t${facts.join('; ')}; 5 restarts, the last at 2026-03-29T14:30:00.000Z\n`);
  Object.assign(failing, { failure_count: 1, restart_count: 1 });
  const once = await runCli(['services', 'get', SERVICE.id], api);
  t.match(once.stdout, '; 1 failure; 1 restart, the last at');
});

void t.test('an error names its code, details, fields and request, and decides the exit code', async (t) => {
  const refusals: Record<string, [status: number, error: object]> = {
    denied: [403, { code: 'forbidden', message: 'The API key lacks a permission', details: 'needs services.read' }],
    bad: [422, { code: 'validation_error', message: 'Validation failed', fields: { name: 'too \u001b[2Jlong' } }],
    busy: [409, { code: 'service_busy', message: 'Another job is under way' }],
    strange: [418, { code: 'teapot', message: 'short and stout' }],
  };
  const api = await startFakeApi(t, ({ query }) => {
    const [status, error] = refusals[query.get('search') ?? ''] ?? [500, {}];
    return { status, body: { error: { ...error, request_id: 'req_7' } } };
  });
  const list = (search: string) => runCli(['services', 'list', '--search', search], api);
  t.same(await list('denied'), {
    exitCode: 4,
    stdout: '',
    stderr: 'longshore: The API key lacks a permission (forbidden)\n  needs services.read\n  request req_7\n',
  });
  t.match(await list('bad'), { exitCode: 6, stderr: '\n  name: too \\x1b[2Jlong\n' });
  t.match(await list('busy'), { exitCode: 5 });
  t.match(await list('strange'), { exitCode: 1, stderr: 'teapot: short and stout' });
});

void t.test('an answer that is not ours is not taken for one', async (t) => {
  const api = await startFakeApi(t, () => ({ text: '<html>a proxy</html>' }));
  t.match(await runCli(['hosts', 'list'], api), { exitCode: 1, stderr: /Not a Longshore answer/ });
});

void t.test(
  'a page that is not there means a wrong URL; a proxy without a control plane behind it exits 7',
  async (t) => {
    let status = 404;
    const api = await startFakeApi(t, () => ({ status, text: '<html>a proxy</html>' }));
    t.match(await runCli(['hosts', 'list'], api), { exitCode: 78, stderr: /answered 404/ });
    for (status of [502, 503, 504]) t.equal((await runCli(['hosts', 'list'], api)).exitCode, 7, String(status));
  },
);

void t.test('a control plane that is not there exits 7 and is named', async (t) => {
  const run = await runCli(['jobs', 'list'], { url: 'http://127.0.0.1:1' });
  t.match(run, { exitCode: 7, stderr: /Cannot reach the control plane at http:\/\/127\.0\.0\.1:1 / });
});

void t.test('what is not repeatable is not repeated', async (t) => {
  const api = await startFakeApi(t, () => ({ drops: true }));
  t.match(await runCli(['services', 'stop', SERVICE.id], api), { exitCode: 7 });
  t.equal(api.asked.length, 1);
});

void t.test('a service shows since when it has drifted', async (t) => {
  const drift = { state: 'drifted', since: '2026-03-29T14:30:00.000Z' };
  const rest = {
    health: { status: 'healthy' },
    health_checks: [],
    labels: {},
    updates: [],
    updates_checked_at: null,
    containers: [],
  };
  const api = await startFakeApi(t, () => ({ body: { ...SERVICE, ...rest, drift } }));
  const { stdout } = await runCli(['services', 'get', SERVICE.id], api);
  t.match(stdout, /^drift\tdrifted since 2026-03-29T14:30:00\.000Z$/m);
});

void t.test('removing asks, and where nobody can be asked it wants --yes', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 204 }));
  t.match(await runCli(['services', 'rm', SERVICE.id], api), { exitCode: 2, stderr: /needs --yes/ });
  t.equal(api.asked.length, 0);
  t.match(await runCli(['services', 'rm', SERVICE.id, '--yes'], api), { exitCode: 0, stdout: /: removed\n/ });
  t.match(api.asked, [{ method: 'DELETE', path: `/api/services/${SERVICE.id}` }]);
});

void t.test('a removal that waits for its host says so', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 202, body: { job_id: 'job_9' } }));
  const run = await runCli(['services', 'rm', SERVICE.id, '--yes'], api);
  t.match(run, { exitCode: 0, stdout: /will be removed when its host is back, job job_9/ });
});

void t.test('sessions are listed, and one is ended by its id', async (t) => {
  const session = {
    id: 'ses_1',
    name: 'Ada',
    address: '203.0.113.7',
    permissions: ['*'],
    last_used_at: SERVICE.created_at,
    expires_at: SERVICE.created_at,
  };
  const api = await startFakeApi(t, ({ method }) =>
    method === 'GET' ? { status: 200, body: { data: [session], total: 1, page: 1, per_page: 100 } } : { status: 204 },
  );
  t.match(await runCli(['sessions', 'ls'], api), { exitCode: 0, stdout: /^ID\tNAME.*\nses_1\tAda\t203\.0\.113\.7\t/ });
  t.match(await runCli(['sessions', 'revoke', 'ses_1'], api), { exitCode: 0, stdout: 'ses_1: ended\n' });
  t.match(api.asked.at(-1), { method: 'DELETE', path: '/api/auth/sessions/ses_1' });
});

void t.test('a new key is on stdout alone, so that a script can keep it', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 201, body: { id: 'key_1', secret: 'lsk_new' } }));
  const run = await runCli(['keys', 'create', '--name', 'ci', '-p', 'services.*', '-p', 'hosts.read'], api);
  t.match(run, { exitCode: 0, stdout: 'lsk_new\n', stderr: 'key_1, shown this once:\n' });
  t.same(api.asked[0]?.body, { name: 'ci', permissions: ['services.*', 'hosts.read'] });
});

void t.test('the line that lets a machine join is on stdout alone', async (t) => {
  const body = {
    id: 'jtk_1',
    token: 'lsj_x',
    expires_at: '2026-03-29T14:30:00Z',
    command: 'curl … | sudo sh -s -- agent --token lsj_x',
    cloud_init: '#cloud-config\n',
    ansible: '- name: Longshore\n',
    url: 'https://panel.example.com',
    tls_pin: null,
  };
  const api = await startFakeApi(t, () => ({ status: 201, body }));
  const run = await runCli(['hosts', 'join', '--label', 'zone=eu', '--uses', '3', '--expires', '2h'], api);
  t.match(run, { exitCode: 0, stdout: `${body.command}\n` });
  t.same(api.asked[0]?.body, { labels: { zone: 'eu' }, uses: 3, expires_in_s: 7200 });
});

void t.test('a wrong command line exits 2 before anything is asked', async (t) => {
  const api = await startFakeApi(t, () => listOf());
  const wrong = [
    [],
    ['servces'],
    ['services'],
    ['services', 'list', '--colour'],
    ['services', 'list', '--status', 'broken'],
    ['deploy', '--name', 'web'],
    ['deploy', '--name'],
    ['deploy', '-f', '/no/such/file', '--name', 'web'],
    ['deploy', '-f', 'a', '--template', 'b', '--name', 'web'],
    ['deploy', '--template', 'nginx', '--name', 'web', '--set', 'PORT'],
    ['deploy', '--template', 'nginx', '--name', 'web', '--timeout', 'long'],
    ['logs', SERVICE.id, '--since', 'yesterday'],
  ];
  for (const args of wrong) t.match(await runCli(args, api), { exitCode: 2, stdout: '' }, args.join(' '));
  t.equal(api.asked.length, 0);
});

void t.test('a configuration that cannot be used exits 78, a missing key exits 4', async (t) => {
  const list = (env: Record<string, string>, ...flags: string[]) => runCli(['services', 'list', ...flags], { env });
  t.match(await list({ LONGSHORE_URL: 'ftp://x' }), { exitCode: 78, stderr: /"ftp:\/\/x" is not the URL/ });
  t.match(await list({}, '--api-key-file', '/no/such/key'), { exitCode: 78, stderr: /no\/such\/key/ });
  t.match(await list({ LONGSHORE_API_KEY: 'two words' }), { exitCode: 78, stderr: /characters no key has/ });
  t.match(await list({ LONGSHORE_API_KEY: '', LONGSHORE_URL: 'http://panel.example.com' }), { exitCode: 4 });
});

void t.test('the key file wins over the environment, and flags over both', async (t) => {
  const api = await startFakeApi(t, () => listOf());
  const file = `${t.testdir({ key: 'lsk_file\n' })}/key`;
  await runCli(['services', 'list', '--api-key-file', file, '--url', api.url], { url: 'http://127.0.0.1:1' });
  t.match(api.asked, [{ headers: { authorization: 'Bearer lsk_file' } }]);
});

void t.test('Tab offers commands, flags and the names the control plane knows', async (t) => {
  const said: string[] = [];
  t.capture(console, 'log', (line: string) => said.push(line));
  const api = await startFakeApi(t, () => listOf(SERVICE));
  const complete = async (...words: string[]) => {
    said.length = 0;
    await runCli(['--get-yargs-completions', 'longshore', ...words], api);
    return said;
  };
  t.match(await complete('serv'), ['up', 'control', 'agent', 'hosts']);
  t.ok((await complete('serv')).includes('services'));
  t.match(await complete('services', 'st'), ['list', 'get', 'update', 'start', 'stop']);
  t.ok((await complete('services', 'stop', 'w')).includes('web'));
  t.ok((await complete('logs', '')).includes('web'));
  t.ok((await complete('deploy', '--na')).includes('--name'));
});
