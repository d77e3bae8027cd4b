// Rescue on a real host: the control plane is dead, whoever is on the host works with its agent, and the control plane
// hears of it when it is back.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli, startCli } from '../support/cli.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startStack } from '../support/stack.ts';

const COMPOSE = `services:
  web:
    image: "busybox:1"
    command: [sh, -c, 'echo "the word is $$PASSWORD"; exec sleep 1000']
    environment: { PASSWORD: "\${PASSWORD}" }
    init: true
    stop_grace_period: 0s
`;

interface Listed {
  data: { kind: string; state: string; cause: string | null; message: string; status: string }[];
}

t.test(
  'F21: with control dead a service is stopped on its host; control hears of it once, as done by `local`',
  async (t) => {
    if (!(await requireDocker(t))) return;
    await ensureImages();
    const stack = await startStack();
    t.teardown(() => stack.stop());
    const name = uniqueProject(t, 'rescue');
    const dataDir = join(stack.dir, 'agent');
    const local = (...args: string[]) => runCli(['local', ...args, '--data-dir', dataDir]);
    const stateOf = (key: string) => docker(['inspect', '--format', `{{.State.${key}}}`, `${name}-web-1`]);
    const created = await stack.api.post<{ id: string; deploy_job_id: string }>('/api/services', {
      name,
      deploy_method: 'compose',
      compose: COMPOSE,
      variables: { PASSWORD: 'canary-word-4711' },
    });
    await stack.api.jobEnd(created.body.deploy_job_id);
    const path = `/api/services/${created.body.id}`;

    await stack.control.end('SIGKILL');
    await t.test('the agent tells that it is alone, and what runs', async (t) => {
      await eventually(() => local('status'), { until: ({ stdout }) => stdout.includes(', not connected since ') });
      t.match((await local('ps')).stdout, new RegExp(`\\n${name}\\trunning\\t`));
    });

    await t.test('logs, those there are and those to come', async (t) => {
      t.equal((await local('logs', name)).stdout, `${name}-web-1 | the word is ***\n`);
      const interrupt = new AbortController();
      const follower = startCli(['local', 'logs', name, '-f', '-n', '0', '--data-dir', dataDir], {
        interrupt: interrupt.signal,
      });
      await eventually(
        async () => {
          t.equal((await local('restart', name)).stdout, `${name}: restarted\n`);
          return follower.stdout;
        },
        { until: (text) => text.includes('the word is ***'), timeoutMs: 30_000 },
      );
      interrupt.abort(new DOMException('interrupted', 'AbortError'));
      t.equal((await follower.done).exitCode, 130);
    });

    await t.test('a stop holds, also over the death of the agent', async (t) => {
      t.equal((await local('stop', name)).stdout, `${name}: stopped\n`);
      t.equal(await stateOf('Status'), 'exited');
      await stack.agent.end('SIGKILL');
      t.ok(existsSync(join(dataDir, 'local', 'agent.sock')), 'nobody took the socket away');
      t.equal((await local('ps')).exitCode, 7);
      stack.agent.start();
      await eventually(() => local('ps'), {
        until: ({ stdout }) => new RegExp(`\\n${name}\\tstopped\\t\\w+\\t\\d+\\tstopped\\t`).test(stdout),
        timeoutMs: 30_000,
      });
      t.equal(await stateOf('Status'), 'exited');
      const { stdout } = await local('events', '--json');
      const { data } = JSON.parse(stdout) as { data: { kind: string; message: string; told: boolean }[] };
      t.match(data.filter(({ kind }) => kind === 'job.local').at(-1), { message: 'stop begun (local)', told: false });
    });

    await t.test('control is back: the stop is there once, in its place, and the service is stopped', async (t) => {
      stack.control.start();
      await stack.untilConnected();
      const stops = async () => (await stack.api.get<Listed>(`${path}/events?type=stop&order=asc`)).body.data;
      const told = await eventually(stops, { until: (data) => data.length >= 2, timeoutMs: 30_000 });
      t.strictSame(
        told.map(({ message }) => message),
        ['Begun: stop (local)', 'Stopped: local'],
      );
      await eventually(async () => (await stack.api.get<{ status: string }>(path)).body.status === 'stopped');
      const jobs = (await stack.api.get<Listed>(`/api/jobs?service_id=${created.body.id}&per_page=100`)).body.data;
      t.match(jobs[0], { kind: 'stop', state: 'succeeded', cause: 'local' });
      t.equal(jobs.filter(({ kind }) => kind === 'stop').length, 1);
      const audit = (
        await stack.api.get<{ data: object[] }>(`/api/audit?target=${created.body.id}&action=services.stop`)
      ).body;
      t.match(audit.data, [{ actor: { kind: 'system', name: 'local' } }]);
      await eventually(() => local('events', '--json'), { until: ({ stdout }) => !stdout.includes('"told": false') });
    });

    await t.test('what is asked for later counts: a start through the API', async (t) => {
      t.equal((await stack.api.post(`${path}/start`)).status, 200);
      t.match((await local('ps')).stdout, new RegExp(`\\n${name}\\trunning\\t\\w+\\t\\d+\\trunning\\t`));
    });
    await stack.api.delete(path);
  },
);
