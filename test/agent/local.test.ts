// `longshore local` on a host whose control plane is away: the client, the socket and the journal are real.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { LOCAL_SOCKET, localFolderOf, localServices, type LocalJobDetail } from '#shared/local.ts';
import { aborted } from '#shared/time.ts';
import { ACTS_AT_ONCE } from '../../agent/local/act-budget.ts';
import { LocalClient } from '../../cli/local-client.ts';
import { startCore } from '../support/agent-core.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { startLocalHost } from '../support/local-host.ts';

interface Answer {
  status: number | undefined;
  body: { error?: { code: string }; id?: string; state?: string };
}

/** A request as curl would make it. */
async function ask(socketPath: string, method: string, path: string, headers = {}, body = ''): Promise<Answer> {
  const sent = request({ socketPath, method, path, headers });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {} };
}

/** Work that waits until it is let go. */
function held() {
  const gate = Promise.withResolvers<void>();
  const execute: Parameters<typeof startCore>[1]['execute'] = async ({ offer, steps, service }) => {
    await steps.run('restart', async () => {
      if (offer.kind === 'restart') await gate.promise;
    });
    return { state: 'succeeded', goodRevision: service.spec.revision };
  };
  return { execute, letGo: () => gate.resolve() };
}

t.test('what runs, and how the agent stands, with no control plane', async (t) => {
  const host = await startLocalHost(t);
  const { stdout } = await host.run('ps');
  t.strictSame(
    stdout.split('\n').map((line) => line.split('\t')),
    [
      ['NAME', 'STATUS', 'HEALTH', 'RESTARTS', 'WANTED', 'JOB', 'CONTAINER', 'STATE', 'ID', 'REASON'],
      ['web', 'running', 'healthy', '0', 'running', '-', 'web-web-1', 'running (healthy)', 'svc_1', '-'],
      [''],
    ],
  );
  t.match(await host.json('status'), {
    agent_version: '0.0.0-test',
    control: {
      url: 'https://panel.example.com',
      connected: false,
      since: '2026-10-31T00:00:00.000Z',
      reason: 'the control plane is away',
    },
    docker: { reachable: true, version: '28.0' },
    services: 1,
    open_jobs: 0,
  });
  t.match((await host.run('status')).stdout, /^control plane\thttps:\/\/panel\.example\.com, not connected since /m);
});

t.test('a stop is a user’s stop, and control is told of it first to last, once, as done by `local`', async (t) => {
  const host = await startLocalHost(t);
  const before = host.core.events().length;
  t.same(await host.run('stop', 'web'), { exitCode: 0, stdout: 'web: stopped\n', stderr: '' });
  t.equal(host.core.state.services.find('svc_1')?.desired, 'stopped');
  const told = host.core.events().slice(before);
  t.strictSame(
    told.filter(({ kind }) => kind.startsWith('job.')).map(({ kind }) => kind),
    ['job.local', 'job.step', 'job.step', 'job.finished'],
  );
  t.match(told[0], { kind: 'job.local', job: { serviceId: 'svc_1', kind: 'stop', cause: 'local' } });
  const { data } = await host.json<{ data: { kind: string; cause: string | null }[] }>('jobs');
  t.match(data, [
    { kind: 'stop', cause: 'local', service_name: 'web', state: 'succeeded' },
    { kind: 'deploy', cause: null },
  ]);
  t.match((await host.run('jobs')).stdout, /\tweb\tstop\tsucceeded\tlocal\t.*\n.*\tdeploy\tsucceeded\tcontrol plane\t/);
  t.match((await host.run('events', '-n', '20')).stdout, /\tweb\tjob\.local\tno\tstop begun \(local\)\n/);
});

t.test('Tab offers the names that the agent knows', async (t) => {
  const said: string[] = [];
  t.capture(console, 'log', (line: string) => said.push(line));
  const { dir } = await startLocalHost(t);
  const typed = ['--get-yargs-completions', 'longshore', 'local', 'stop', ''];
  await runCli(typed, { env: { LONGSHORE_DATA_DIR: '/nowhere' } });
  t.notOk(said.includes('web'));
  await runCli(typed, { env: { LONGSHORE_DATA_DIR: dir } });
  t.ok(said.includes('web'));
});

t.test('by id as well; a name that nobody has is not found', async (t) => {
  const host = await startLocalHost(t);
  t.equal((await host.run('restart', 'svc_1')).stdout, 'svc_1: restarted\n');
  for (const args of [
    ['stop', 'nobody'],
    ['logs', 'nobody'],
    ['jobs', 'job_none'],
  ]) {
    const { exitCode, stderr } = await host.run(...args);
    t.equal(exitCode, 3, args.join(' '));
    t.match(stderr, /This host has no (service "nobody"|job "job_none") \(not_found\)/);
  }
});

t.test('a service at work is busy, and the job is named; Docker need not answer for that', async (t) => {
  const { execute, letGo } = held();
  const host = await startLocalHost(t, { execute });
  const begun = await host.json<LocalJobDetail>('restart', 'web', '--no-wait');
  t.match(begun, { kind: 'restart', finished_at: null });
  const refused = await host.run('stop', 'web');
  t.equal(refused.exitCode, 5);
  t.match(refused.stderr, new RegExp(`Service "web" is busy: restart is \\w+ \\(service_busy\\)\\n.*${begun.id}`));
  t.match((await host.run('ps')).stdout, /\nweb\t.*\trestart\t/);
  letGo();
  await eventually(async () => (await host.json<LocalJobDetail>('jobs', begun.id)).state === 'succeeded');
});

t.test('a disabled service is not started and not restarted; it may be stopped', async (t) => {
  const host = await startLocalHost(t);
  const { services } = host.core.state;
  services.setEnabled('svc_1', false);
  for (const verb of ['start', 'restart']) {
    const { exitCode, stderr } = await host.run(verb, 'web');
    t.equal(exitCode, 5);
    t.match(stderr, `Cannot ${verb} service "web": it is disabled (state_conflict)`);
  }
  t.equal((await host.run('stop', 'web')).exitCode, 0);
  t.match((await host.run('ps')).stdout, /\nweb\t\w+\t\w+\t\d+\tdisabled\t/);
});

t.test('a job that fails says why, and where to look', async (t) => {
  const host = await startLocalHost(t, {
    execute: async ({ offer, steps, service }) => {
      if (offer.kind === 'start')
        await steps.run('start', () => Promise.reject(new LongshoreError('exited', { message: 'web exited with 3' })));
      return { state: 'succeeded', goodRevision: service.spec.revision };
    },
  });
  const { exitCode, stderr } = await host.run('start', 'web');
  t.equal(exitCode, 1);
  t.match(
    stderr,
    /The start of "web" failed at step start: web exited with 3 \(exited\)\n {2}`longshore local jobs job_/,
  );
  const id = /jobs (job_\w+)`/.exec(stderr)?.[1] ?? '';
  t.match((await host.run('jobs', id)).stdout, /^by\tlocal\n(.*\n)*error\tweb exited with 3 \(exited\)\n/m);
});

t.test('whoever waits longer than one answer may take is told how it stands, and asks again', async (t) => {
  const { execute, letGo } = held();
  const host = await startLocalHost(t, { execute });
  let answered: Answer | undefined;
  const answer = ask(host.socketPath, 'POST', '/services/web/restart?wait=7').then((it) => (answered = it));
  await eventually(() => {
    host.core.clock.advance(7_000);
    return answered !== undefined;
  });
  const { status, body } = await answer;
  t.equal(status, 202);
  t.match(body, { kind: 'restart', finished_at: null });
  letGo();
  const { status: after, body: ended } = await ask(host.socketPath, 'GET', `/jobs/${body.id}`);
  t.equal(after, 200);
  t.equal(ended.state, 'succeeded');
});

t.test('whoever leaves while it is done leaves the job to its end', async (t) => {
  const { execute, letGo } = held();
  const host = await startLocalHost(t, { execute });
  const interrupt = new AbortController();
  const cli = host.start(['restart', 'web'], { interrupt: interrupt.signal });
  await eventually(() => host.core.events().some(({ kind }) => kind === 'job.local'));
  interrupt.abort(new DOMException('interrupted', 'AbortError'));
  t.equal((await cli.done).exitCode, 130);
  letGo();
  await eventually(async () => /\trestart\tsucceeded\t/.test((await host.run('jobs')).stdout));
});

t.test('a script that goes round and round is held up; what is refused begins nothing', async (t) => {
  const host = await startLocalHost(t);
  let begun = 0;
  let answer: Answer;
  while ((answer = await ask(host.socketPath, 'POST', '/services/web/restart?wait=60')).status === 200) begun++;
  t.equal(begun, ACTS_AT_ONCE);
  t.equal(answer.body.error?.code, 'rate_limited');
  const { exitCode, stderr } = await host.run('stop', 'web');
  t.equal(exitCode, 5);
  t.match(stderr, /This host takes 100 acts at once, then one every 6 s \(rate_limited\)/);
  t.equal(host.core.results().length, 1 + begun, 'the deploy, and what was begun');
});

t.test('more connections than it has room for are closed, and those it has are answered', async (t) => {
  const host = await startLocalHost(t);
  const open = Array.from({ length: 33 }, () => connect(host.socketPath).on('error', () => undefined));
  const gone = Promise.race(open.map((socket) => once(socket, 'close')));
  await gone;
  t.equal(open.filter(({ closed }) => closed).length, 1, 'the one too many');
  for (const socket of open) socket.destroy();
  await eventually(async () => (await host.run('ps')).exitCode === 0);
});

t.test('Docker away: services as they were last seen, and it is said so', async (t) => {
  const host = await startLocalHost(t);
  host.core.docker.isAway = true;
  const { exitCode, stdout, stderr } = await host.run('ps');
  t.equal(exitCode, 0);
  t.match(stdout, /\nweb\trunning\t/);
  t.match(stderr, 'Docker does not answer');
  t.match((await host.run('status')).stdout, /^docker\tdoes not answer$/m);
  host.core.state.services.remove('svc_1');
  t.match(await host.json('ps'), { docker_reachable: false, data: [] }, 'also with nothing to see');
});

t.test('an agent that stops ends the waiting; the job is done by the next one, once', async (t) => {
  const never = Promise.withResolvers<never>();
  const host = await startLocalHost(t, {
    execute: async ({ offer, steps, service, signal }) => {
      if (offer.kind === 'restart')
        await steps.run('restart', () =>
          Promise.race([never.promise, aborted(signal).then(() => signal.throwIfAborted())]),
        );
      return { state: 'succeeded', goodRevision: service.spec.revision };
    },
  });
  const waiting = host.start(['restart', 'web']);
  await eventually(() => host.core.events().some(({ kind }) => kind === 'job.local'));
  await host.stop();
  const { exitCode, stderr } = await waiting.done;
  t.equal(exitCode, 7);
  t.match(stderr, /No agent runs in /);
  t.notOk(existsSync(host.socketPath), 'the socket is gone');
  t.equal((await host.run('ps')).exitCode, 7);
  const next = await startLocalHost(t, { dir: host.dir });
  await eventually(async () => /\trestart\tsucceeded\tlocal\t/.test((await next.run('jobs')).stdout));
  t.equal(next.core.events().filter(({ kind }) => kind === 'job.local').length, 1);
});

/** Runs `work` as somebody who is neither root nor the agent. It must load nothing: the house may be root's alone. */
async function asNobody<T>(work: () => T | Promise<T>): Promise<T> {
  const NOBODY = 65_534;
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

t.test('nobody but root and the agent’s own user gets in', async (t) => {
  if (process.getuid?.() !== 0) return t.plan(0, 'only root can be somebody else');
  const host = await startLocalHost(t);
  const folder = dirname(host.socketPath);
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  t.strictSame([modeOf(folder), modeOf(host.socketPath)], ['700', '600']);
  chmodSync(host.dir, 0o755);
  const reached = () => asNobody(() => connect(host.socketPath)).then((socket) => once(socket, 'connect'));
  const client = () => new LocalClient([host.dir], new AbortController().signal);
  const refusal = { code: 'forbidden', message: /^Only root/, details: 'sudo longshore local …' };
  await t.rejects(reached, { code: 'EACCES' }, 'by the folder');
  await t.rejects(() => asNobody(client), refusal);
  chmodSync(folder, 0o755);
  await t.rejects(reached, { code: 'EACCES' }, 'by the socket itself');
  await t.rejects(() => asNobody(() => client().get(localServices(), '/services')), refusal);
  t.equal(host.core.state.services.find('svc_1')?.desired, 'running');
});

t.test(
  'a link in place of the folder is not followed: its target keeps its rights, and the agent goes on',
  async (t) => {
    const [dir, elsewhere] = [makeFolder(t, 'local'), makeFolder(t, 'local')];
    chmodSync(elsewhere, 0o755);
    symlinkSync(elsewhere, localFolderOf(dir));
    const host = await startLocalHost(t, { dir });
    t.equal(statSync(elsewhere).mode & 0o777, 0o755);
    t.notOk(existsSync(join(elsewhere, LOCAL_SOCKET)));
    t.equal((await host.run('ps')).exitCode, 7);
    t.equal(host.core.results().length, 1, 'it works on its services');
  },
);

t.test('an agent that hangs is told from one that is not there', async (t) => {
  const dir = makeFolder(t, 'local');
  mkdirSync(localFolderOf(dir));
  const silent = createServer(() => undefined).listen(join(localFolderOf(dir), LOCAL_SOCKET));
  await once(silent, 'listening');
  t.teardown(() => {
    silent.closeAllConnections();
    silent.close();
  });
  using client = new LocalClient([dir], new AbortController().signal, 50);
  await t.rejects(client.get(localServices(), '/services'), {
    code: 'unavailable',
    message: `The agent in ${dir} does not answer`,
  });
});

t.test('the socket that a killed agent left is no answer, and the next agent takes its place', async (t) => {
  const dir = makeFolder(t, 'local');
  mkdirSync(localFolderOf(dir), { mode: 0o755 });
  const left = join(localFolderOf(dir), LOCAL_SOCKET);
  const script = 'require("node:net").createServer().listen(process.argv[1], () => console.log("listens"))';
  const killed = spawn(process.execPath, ['-e', script, left], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  t.ok(existsSync(left));
  const { exitCode, stderr } = await runCli(['local', 'ps', '--data-dir', dir]);
  t.equal(exitCode, 7);
  t.match(stderr, /No agent runs in .*\n.*systemctl start longshore-agent/);
  const host = await startLocalHost(t, { dir });
  t.equal((await host.run('ps')).exitCode, 0);
  t.equal(statSync(localFolderOf(dir)).mode & 0o777, 0o700);
});

t.test('no agent was ever there: one line with the cause, and the way out', async (t) => {
  const { exitCode, stderr } = await runCli(['local', 'status', '--data-dir', '/nowhere']);
  t.equal(exitCode, 7);
  t.match(stderr, /^longshore: No agent runs in \/nowhere or \/nowhere\/agent \(unavailable\)\n {2}Start it/);
});

t.test('a folder that lies deep, and one of a `longshore up`', async (t) => {
  const data = join(makeFolder(t, 'local'), 'd'.repeat(120));
  const dir = join(data, 'agent');
  mkdirSync(dir, { recursive: true });
  await startLocalHost(t, { dir });
  t.match((await runCli(['local', 'ps'], { env: { LONGSHORE_DATA_DIR: data } })).stdout, /\nweb\t/);
});

t.test('what is no question of ours is refused unread, and the agent goes on', async (t) => {
  const host = await startLocalHost(t);
  const codeOf = async (...asked: [method: string, path: string, headers?: object, body?: string]) => {
    const { status, body } = await ask(host.socketPath, ...asked);
    return [status, body.error?.code];
  };
  t.strictSame(await codeOf('GET', '/nothing'), [404, 'not_found']);
  t.strictSame(await codeOf('GET', '//'), [404, 'not_found']);
  t.strictSame(await codeOf('DELETE', '/services'), [405, 'method_not_allowed']);
  t.strictSame(await codeOf('GET', '/jobs?limit=many'), [400, 'invalid_query']);
  t.strictSame(await codeOf('GET', '/jobs?limit=100000'), [400, 'invalid_query']);
  t.strictSame(await codeOf('GET', '/services?all=1'), [400, 'invalid_query']);
  t.strictSame(await codeOf('POST', '/services/web/stop?wait=61'), [400, 'invalid_query']);
  t.strictSame(await codeOf('GET', '/services/web/logs?since=now'), [400, 'invalid_query']);
  t.strictSame(await codeOf('POST', '/services/web/stop', { 'content-length': '2' }, '{}'), [413, 'payload_too_large']);
  t.strictSame(await codeOf('GET', '/status', { padding: 'x'.repeat(20_000) }), [431, undefined]);
  t.equal((await host.json<{ data: unknown[] }>('jobs')).data.length, 1, 'nothing was begun');
});
