// Programs in containers from outside: the API, the WebSocket and the client, on a real control plane and real containers.
import { createHash } from 'node:crypto';
import t from 'tap';
import { Api } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startUp } from '../support/up.ts';

const SLEEPER = '{ image: "busybox:1", command: [sleep, "1000"], init: true, stop_grace_period: 0s';
const COMPOSE = `services:
  web: ${SLEEPER}, environment: { API_TOKEN: "\${API_TOKEN}" } }
  db: ${SLEEPER} }
`;
const SECRET = 'hunter2-hunter2-hunter2';

interface Result {
  exit_code: number | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
  timed_out: boolean;
  container: string;
}

/** A terminal's messages as text. */
class Terminal {
  readonly #live: ReturnType<Api['live']>;

  constructor(api: Api, path: string) {
    this.#live = api.live(path);
  }

  static async open(api: Api, path: string, start: object): Promise<Terminal> {
    const terminal = new Terminal(api, path);
    await terminal.#live.opened;
    terminal.send({ type: 'exec.start', service: 'web', ...start });
    return terminal;
  }

  send(message: object): void {
    this.#live.socket.send(JSON.stringify(message));
  }

  type(text: string): void {
    this.send({ type: 'exec.input', data: Buffer.from(text).toString('base64') });
  }

  close(): void {
    this.#live.socket.close();
  }

  get text(): string {
    const outputs = this.#live.messages.filter(({ type }) => type === 'exec.output');
    return Buffer.concat(outputs.map(({ data }) => Buffer.from(String(data), 'base64'))).toString();
  }

  shows(text: string): Promise<unknown> {
    return eventually(() => this.text, { until: (shown) => shown.includes(text) });
  }

  ended(): Promise<Record<string, unknown> | undefined> {
    const find = () => this.#live.messages.find(({ type }) => type === 'exec.exit' || type === 'error');
    return eventually(find, { until: Boolean });
  }
}

void t.test('programs in the containers of a service', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'exec');
  const made = await api.post('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
    variables: { API_TOKEN: SECRET },
  });
  const id = String(made.body['id']);
  t.equal((await api.jobEnd(String(made.body['deploy_job_id']))).state, 'succeeded');
  const path = `/api/services/${id}/exec`;
  const run = (command: string[], more: object = {}) => api.post<Result>(path, { command, service: 'web', ...more });
  const container = `${name}-web-1`;
  const runsInside = async (what: string) => (await docker(['top', container])).includes(what);

  await t.test('a command: its output, its exit code, where it ran', async (t) => {
    const { status, body } = await run(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    t.equal(status, 200);
    t.match(body, { exit_code: 7, stdout: 'out\n', stderr: 'err\n', truncated: false, timed_out: false, container });
    t.match((await run(['no-such-program'])).body, { exit_code: 127 });
    t.match((await run(['env'], { env: { GREETING: 'a b' }, working_dir: '/tmp' })).body.stdout, /GREETING=a b\n/);
    t.match((await run(['id', '-u'], { user: '1000' })).body, { stdout: '1000\n' });
  });

  await t.test('hostile arguments reach the program as they are', async (t) => {
    const hostile = ['; id', '$(id)', '`id`', '| cat /etc/passwd', 'a\nb', '--', '-v', '"', "'", '\\', '*', '', '😀'];
    const { body } = await run(['sh', '-c', String.raw`printf '<%s>\n' "$@"`, 'sh', ...hostile]);
    t.equal(body.stdout, hostile.map((text) => `<${text}>\n`).join(''));
  });

  await t.test('several services: the answer names the choices', async (t) => {
    const { status, body } = await api.post(path, { command: ['true'] });
    t.equal(status, 422);
    t.match(body['error'], { code: 'validation_error', fields: { service: 'Choose one of: db, web' } });
    t.equal((await api.post(path, { command: ['true'], container: `${name}-db-1` })).status, 200);
  });

  await t.test('a secret of the service is in no output, and the audit log keeps the command without it', async (t) => {
    t.equal((await run(['sh', '-c', 'echo $API_TOKEN'])).body.stdout, '***\n');
    await run(['echo', SECRET]);
    const { body } = await api.get<{ data: { action: string; detail: Record<string, unknown> }[] }>(
      `/api/audit?target=${id}&per_page=2`,
    );
    const [end, start] = body.data;
    t.match(start, { action: 'services.exec', detail: { command: ['echo', '***'], container, terminal: false } });
    t.match(end, { action: 'services.exec.ended', detail: { exit_code: 0, exec_id: start?.detail['exec_id'] } });
  });

  await t.test('100 MB of output: the first MiB comes, and the link stays up', async (t) => {
    const flood = run(['sh', '-c', 'head -c 100000000 /dev/zero | tr "\\0" x; echo end >&2; exit 3']);
    t.equal((await run(['true'])).body.exit_code, 0, 'others do not wait for it');
    const { body } = await flood;
    t.match(body, { exit_code: 3, truncated: true, stderr: '' });
    t.equal(body.stdout.length, 1024 * 1024);
    t.equal((await run(['true'])).body.exit_code, 0, 'the host answers as before');
  });

  await t.test('past its time it is ended, with what it has said', async (t) => {
    const { body } = await run(['sh', '-c', 'echo begun; sleep 1234; echo never'], { timeout_s: 1 });
    t.match(body, { exit_code: null, timed_out: true, left_running: false, stdout: 'begun\n' });
    t.notOk(await runsInside('sleep 1234'));
  });

  await t.test('one that minds no signal is ended, also where there is no shell to do it', async (t) => {
    const stubborn = ['sh', '-c', 'trap "" TERM HUP; while :; do sleep 0.1; done # stubborn'];
    t.match((await run(stubborn, { timeout_s: 1 })).body, { timed_out: true, left_running: false });
    t.notOk(await runsInside('stubborn'));
    await run(['rm', '/bin/sh'], { service: 'db' });
    const { body } = await run(['sleep', '5678'], { service: 'db', timeout_s: 1 });
    const isRoot = process.getuid?.() === 0;
    t.match(body, { timed_out: true, left_running: !isRoot });
    if (isRoot) t.notMatch(await docker(['top', `${name}-db-1`]), /sleep 5678/);
  });

  await t.test('when the caller hangs up it is ended', async (t) => {
    const abort = new AbortController();
    const asked = fetch(up.url + path, {
      method: 'POST',
      signal: abort.signal,
      headers: { authorization: `Bearer ${up.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ command: ['sleep', '2345'], service: 'web' }),
    });
    await eventually(() => runsInside('sleep 2345'));
    abort.abort();
    await t.rejects(asked);
    await eventually(async () => !(await runsInside('sleep 2345')));
  });

  await t.test('an Idempotency-Key runs it once', async (t) => {
    const key = { 'idempotency-key': `once-${name}` };
    const append = { command: ['sh', '-c', 'echo x >> /tmp/once; wc -l < /tmp/once'], service: 'web' };
    const [first, second] = [await api.post<Result>(path, append, key), await api.post<Result>(path, append, key)];
    t.equal(first.body.stdout, '1\n');
    t.same(second.body, first.body);
    t.equal(second.headers.get('idempotency-replayed'), 'true');
  });

  await t.test('a terminal: input, size, exit code', async (t) => {
    const terminal = await Terminal.open(api, path, { command: ['sh'], cols: 99, rows: 33 });
    terminal.type('stty size\n');
    await terminal.shows('33 99');
    terminal.send({ type: 'exec.resize', cols: 120, rows: 40 });
    terminal.type('stty size\n');
    await terminal.shows('40 120');
    terminal.type('echo "$API_TOKEN"\n');
    await terminal.shows('***');
    t.notMatch(terminal.text, SECRET);
    terminal.type('exit 5\n');
    t.match(await terminal.ended(), { type: 'exec.exit', exit_code: 5 });
  });

  await t.test('without a terminal bytes go through as they are', async (t) => {
    const cat = await Terminal.open(api, path, { command: ['md5sum'], tty: false });
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 256));
    cat.send({ type: 'exec.input', data: bytes.toString('base64'), end: true });
    t.match(await cat.ended(), { exit_code: 0 });
    t.match(cat.text, createHash('md5').update(bytes).digest('hex'));
  });

  await t.test('when its page is closed the terminal and what runs in it are ended', async (t) => {
    const terminal = await Terminal.open(api, path, { command: ['sh'] });
    terminal.type('sleep 3456\n');
    await eventually(() => runsInside('sleep 3456'));
    terminal.close();
    await eventually(async () => !(await runsInside('sleep 3456')));
    const { body } = await api.get<{ data: object[] }>(`/api/audit?target=${id}&per_page=1`);
    t.match(body.data, [{ action: 'services.exec.ended', detail: { container, exit_code: null } }]);
  });

  await t.test('longshore exec', async (t) => {
    const cli = (args: string[], stdin?: string) =>
      runCli(['exec', name, '-s', 'web', ...args], { url: up.url, env: up.env, ...(stdin !== undefined && { stdin }) });
    t.match(await cli(['--', 'sh', '-c', 'echo "$1"; exit 9', 'sh', '-la']), {
      exitCode: 9,
      stdout: '-la\n',
      stderr: '',
    });
    t.match(await cli(['-i', '--', 'cat'], 'piped in'), { exitCode: 0, stdout: 'piped in' });
    const late = ['sh', '-c', 'sleep 0.2; stty size'];
    t.match(await cli(['-t', '--', ...late]), { exitCode: 0, stdout: '24 80\r\n' }, 'a terminal without input');
    t.match(await cli(['-it', '--', 'sh'], 'echo $((6 * 7))\n'), { exitCode: 0, stdout: /\r\n42\r\n/ });
    t.match(await cli(['-it', '--', 'sh'], 'cat\n'), { exitCode: 0 }, 'the end is one for each that reads');
    t.match(await cli([]), { exitCode: 2, stderr: /Which command/ });
    t.match(await cli(['--timeout', '1', '--', 'sleep', '100']), { exitCode: 1, stderr: /was ended/ });
    const without = await runCli(['exec', name, '--', 'true'], { url: up.url, env: up.env });
    t.match(without, { exitCode: 6, stderr: /Choose one of: db, web/ });
  });

  await t.test('an agent that is stopped ends what runs, and leaves the services alone', async (t) => {
    const terminal = await Terminal.open(api, path, { command: ['sleep', '4567'], tty: false });
    await eventually(() => runsInside('sleep 4567'));
    await up.stop();
    t.notOk(await runsInside('sleep 4567'));
    t.ok(await runsInside('sleep 1000'));
    terminal.close();
  });
});
