// `longshore deploy` and what it follows, against a scripted far side.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { SERVICE } from '../support/cli-answers.ts';
import { startFakeApi, type Asked } from '../support/fake-api.ts';

const COMPOSE = 'services: { web: { image: "x:1" } }';

void t.test('a deploy whose connection is lost is tried again with the same Idempotency-Key', async (t) => {
  let tries = 0;
  const api = await startFakeApi(t, () =>
    ++tries < 3 ? { drops: true } : { status: 201, body: { id: SERVICE.id, name: 'web', deploy_job_id: 'job_1' } },
  );
  const file = t.testdir({ 'compose.yaml': COMPOSE });
  const run = await runCli(['deploy', '-f', `${file}/compose.yaml`, '--name', 'web'], api);
  t.match(run, { exitCode: 0, stdout: `web: ${SERVICE.id}, job job_1\n` });
  const keys = new Set(api.asked.map(({ headers }) => headers['idempotency-key']));
  t.equal(api.asked.length, 3);
  t.equal(keys.size, 1);
  t.match([...keys][0], /^[0-9a-f-]{36}$/);
});

void t.test('deploy sends the file, the variables in their order of rank, and only what was asked for', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 201, body: { id: SERVICE.id, deploy_job_id: 'job_1' } }));
  const dir = t.testdir({ 'compose.yaml': COMPOSE, '.env': 'A=file\nB="two words"\n' });
  const base = ['deploy', '-f', `${dir}/compose.yaml`, '--name', 'web'];
  await runCli([...base, '--env-file', `${dir}/.env`, '--env', 'A=flag', '-e', 'C=x=y', '--label', 'team=a'], api);
  await runCli([...base, '--host', 'host_1', '--pull', 'always', '--timeout', '5m', '--no-rollback'], api);
  await runCli(['deploy', '--template', 'postgres', '--name', 'db', '--set', 'PORT=5433'], api);
  t.same(
    api.asked.map(({ body }) => body),
    [
      {
        name: 'web',
        deploy_method: 'compose',
        compose: COMPOSE,
        variables: { A: 'flag', B: 'two words', C: 'x=y' },
        labels: { team: 'a' },
      },
      {
        name: 'web',
        deploy_method: 'compose',
        compose: COMPOSE,
        variables: {},
        host_id: 'host_1',
        pull: 'always',
        health_timeout_s: 300,
        rollback_on_failure: false,
      },
      { name: 'db', deploy_method: 'template', template_id: 'postgres', variables: { PORT: '5433' } },
    ],
  );
});

void t.test('deploy takes a Git repository, with a branch or without, and nothing beside it', async (t) => {
  const api = await startFakeApi(t, () => ({ status: 201, body: { id: SERVICE.id, deploy_job_id: 'job_1' } }));
  const git_url = 'https://example.com/x.git';
  const base = ['deploy', '--git', git_url, '--name', 'app'];
  await runCli(base, api);
  await runCli([...base, '--branch', 'next'], api);
  t.same(
    api.asked.map(({ body }) => body),
    [
      { name: 'app', deploy_method: 'git', git_url, variables: {} },
      { name: 'app', deploy_method: 'git', git_url, git_branch: 'next', variables: {} },
    ],
  );
  for (const wrong of [
    [...base, '--template', 'x'],
    [...base, '-f', 'compose.yaml'],
    ['deploy', '-f', 'compose.yaml', '--branch', 'next', '--name', 'app'],
    ['deploy', '--name', 'app'],
  ])
    t.match(await runCli(wrong, api), { exitCode: 2 }, wrong.join(' '));
  t.equal(api.asked.length, 2);
});

void t.test('a name that is taken says what can be done about it', async (t) => {
  const error = { code: 'name_taken', message: 'The name is taken' };
  const api = await startFakeApi(t, () => ({ status: 409, body: { error } }));
  const file = t.testdir({ 'compose.yaml': COMPOSE });
  const run = await runCli(['deploy', '-f', `${file}/compose.yaml`, '--name', 'web'], api);
  t.match(run, { exitCode: 5, stderr: /There is a service "web" already .*\n.*services redeploy web/ });
});

const jobOf = (state: string, more: object = {}) => ({
  body: {
    id: 'job_1',
    service_id: SERVICE.id,
    service_name: 'web',
    kind: 'deploy',
    state,
    error: null,
    failed_step: null,
    rolled_back_to: null,
    unchanged: false,
    steps: [],
    ...more,
  },
});

const createThen = (job: () => ReturnType<typeof jobOf>) => (asked: Asked) => {
  if (asked.method === 'POST') return { status: 201, body: { id: SERVICE.id, deploy_job_id: 'job_1' } };
  return asked.path === '/api/jobs/job_1' ? job() : { body: SERVICE };
};

void t.test(
  'deploy --follow shows each step once, as it happens, and ends with where the service answers',
  async (t) => {
    let state = 'running';
    const progress = (step: string, stepState: string, message?: string) =>
      JSON.stringify({ type: 'deploy.progress', job_id: 'job_1', step, state: stepState, message });
    const api = await startFakeApi(
      t,
      createThen(() => jobOf(state, { steps: [{ step: 'prepare', state: 'done', message: null }] })),
      (socket) =>
        socket.on('message', () => {
          socket.send(JSON.stringify({ type: 'subscribed' }));
          socket.send(JSON.stringify({ type: 'deploy.progress', job_id: 'job_other', step: 'plan', state: 'done' }));
          socket.send(progress('pull', 'running', 'x:1 \u001b[2J'));
          socket.send(progress('pull', 'running', 'x:1 \u001b[2J'));
          socket.send(progress('pull', 'done'));
          state = 'succeeded';
          socket.send(progress('job', 'succeeded'));
        }),
    );
    const file = t.testdir({ 'compose.yaml': COMPOSE });
    const run = await runCli(['deploy', '-f', `${file}/compose.yaml`, '--name', 'web', '--follow'], api);
    t.same(run, {
      exitCode: 0,
      stdout: 'web: running at http://127.0.0.1:8081\n',
      stderr: 'prepare: done\npull: running — x:1 \\x1b[2J\npull: done\n',
    });
  },
);

void t.test('a deploy that fails exits 1 with the cause, whatever state the cause stands for', async (t) => {
  const failed = jobOf('failed', {
    error: { code: 'port_taken', message: 'A host port is taken', details: '8080 is used by "old"' },
    failed_step: 'check',
    rolled_back_to: 3,
  });
  const api = await startFakeApi(
    t,
    createThen(() => failed),
  );
  const file = t.testdir({ 'compose.yaml': COMPOSE });
  const run = await runCli(['deploy', '-f', `${file}/compose.yaml`, '--name', 'web', '--follow'], api);
  t.same(run, {
    exitCode: 1,
    stdout: '',
    stderr: [
      'longshore: The deploy of "web" failed at step check: A host port is taken (port_taken)',
      '  8080 is used by "old"',
      '  revision 3 was put back; `longshore jobs log job_1` shows every step',
      '',
    ].join('\n'),
  });
});

void t.test('what a job found wrong with a field is said where it is followed and where it is looked up', async (t) => {
  const error = {
    code: 'template_variable',
    message: 'The repository needs values that only you have',
    fields: { 'variables.PASS': 'the password' },
  };
  const api = await startFakeApi(
    t,
    createThen(() => jobOf('failed', { kind: 'propose', error, failed_step: 'prepare' })),
  );
  const file = t.testdir({ 'compose.yaml': COMPOSE });
  const { stderr } = await runCli(['deploy', '-f', `${file}/compose.yaml`, '--name', 'web', '--follow'], api);
  const [first, second] = stderr.split('\n');
  t.match(first, 'The proposal for a deploy of "web" failed at step prepare: The repository needs values');
  t.equal(second, '  variables.PASS: the password');
  const { stdout } = await runCli(['jobs', 'get', 'job_1'], api);
  t.match(stdout, /^details\tvariables\.PASS: the password$/m);
});

void t.test('following survives the control plane going away and coming back', async (t) => {
  let answers = 0;
  const api = await startFakeApi(
    t,
    createThen(() =>
      ++answers === 2 ? { ...jobOf('running'), drops: true } : jobOf(answers < 3 ? 'running' : 'succeeded'),
    ),
  );
  const file = t.testdir({ 'compose.yaml': COMPOSE });
  const instant = {
    elapsed: () => 0,
    now: () => Date.now(),
    after: (_: number, run: () => void) => (setImmediate(run), () => {}),
  };
  const args = ['deploy', '-f', `${file}/compose.yaml`, '--name', 'web', '--follow', '--json'];
  const run = await runCli(args, { ...api, clock: instant });
  t.equal(run.exitCode, 0);
  t.match(JSON.parse(run.stdout), { id: 'job_1', state: 'succeeded' });
});
