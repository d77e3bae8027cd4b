// A real agent process on a real engine, with control's end of the link played by the test.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { newId } from '#shared/ids.ts';
import type { JobKind } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import { specOf } from '../support/agent-core.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startFakeControl } from '../support/fake-control.ts';
import { makeFolder } from '../support/folder.ts';
import { Program } from '../support/stack.ts';

const run = promisify(execFile);
const AGENT = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const DEPLOY_LIMIT = { timeoutMs: 90_000 };

async function startHost(t: Test) {
  await ensureImages();
  const dir = makeFolder(t, 'agent');
  const waiting = new Map<string, () => void>();
  const control = await startFakeControl(t, (body) => waiting.get(nameOf(body))?.());
  const agent = new Program([AGENT, '--token', control.token, '--data-dir', join(dir, 'data')], join(dir, 'agent.log'));
  agent.start();
  t.teardown(async () => {
    await agent.end('SIGKILL');
    if (!t.passing()) t.comment(agent.output);
  });

  const name = uniqueProject(t, 'agent');
  const id = newId('svc');
  const spec = (revision: number): ServiceSpec =>
    specOf({ id, name, revision, compose: `services:\n  web:\n    image: longshore-test/web:${revision}\n` });
  const offer = async (kind: JobKind, revision?: number) => {
    const jobId = newId('job');
    await control.offer({ jobId, serviceId: id, kind, epoch: 1, ...(revision && { spec: spec(revision) }) });
    return jobId;
  };
  const resultOf = (jobId: string) =>
    eventually(() => control.results().find((result) => result.jobId === jobId), DEPLOY_LIMIT);
  /** Resolves the moment control commits such an event. */
  const told = (event: string) => new Promise<void>((resolve) => waiting.set(event, resolve));
  const containers = async () =>
    (
      await docker([
        'ps',
        '-a',
        '--filter',
        `label=com.docker.compose.project=${name}`,
        '--format',
        '{{.Names}} {{.Image}} {{.State}}',
      ])
    )
      .split('\n')
      .filter(Boolean);
  return { dir, control, agent, name, id, offer, resultOf, told, containers };
}

const nameOf = (body: AgentEventBody) =>
  body.kind === 'job.step' ? `${body.progress.step} ${body.progress.state}` : body.kind;

t.test('an enrolled agent deploys, reports, and removes without a trace', async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startHost(t);
  const jobId = await host.offer('deploy', 1);
  const result = await host.resultOf(jobId);
  t.match(result, { state: 'succeeded', serviceId: host.id });

  const names = host.control.events.map(nameOf);
  for (const step of ['prepare', 'normalise', 'plan', 'apply', 'record']) {
    t.ok(names.includes(`${step} running`), `${step} was begun`);
    t.ok(names.includes(`${step} done`), `${step} was done`);
  }
  const finished = host.control.events.find(({ kind }) => kind === 'job.finished');
  t.match(finished, {
    report: { lifecycle: 'running', health: 'healthy', revision: 1, containers: [{ state: 'running' }] },
  });
  t.strictSame(await host.containers(), [`${host.name}-web-1 longshore-test/web:1 running`]);

  await docker(['kill', `${host.name}-web-1`]);
  const isFailed = (body: AgentEventBody) => body.kind === 'service.report' && body.report.lifecycle === 'failed';
  await eventually(() => host.control.events.some(isFailed), DEPLOY_LIMIT);

  const restart = await host.resultOf(await host.offer('restart'));
  t.equal(restart?.state, 'succeeded');
  const removal = await host.resultOf(await host.offer('remove'));
  t.equal(removal?.state, 'succeeded');
  t.strictSame(await host.containers(), []);
});

for (const point of ['prepare running', 'apply running', 'wait running']) {
  t.test(`F02: killed when "${point}" was told, the deploy ends exactly once after a restart`, async (t) => {
    if (!(await requireDocker(t))) return;
    const host = await startHost(t);
    await host.resultOf(await host.offer('deploy', 1));

    const reached = host.told(point);
    const jobId = await host.offer('deploy', 2);
    await reached;
    await host.agent.end('SIGKILL');
    t.notOk(
      host.control.results().some((result) => result.jobId === jobId),
      'it had not ended',
    );
    host.agent.start();
    t.match(await host.resultOf(jobId), { state: 'succeeded' });
    const after = await host.resultOf(await host.offer('stop'));
    t.equal(after?.state, 'succeeded');
    t.equal(host.control.results().filter((result) => result.jobId === jobId).length, 1);
    t.strictSame(
      await host.containers(),
      [`${host.name}-web-1 longshore-test/web:2 exited`],
      'no half-made container is left',
    );
  });
}

t.test('the logins of a build under way when the agent was killed are gone after its next start', async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startHost(t);
  await host.control.untilConnected();
  await host.agent.end('SIGKILL');
  const logins = join(host.dir, 'data', 'logins');
  mkdirSync(join(logins, host.name), { recursive: true });
  writeFileSync(join(logins, host.name, 'config.json'), '{"auths":{}}');
  host.agent.start();
  await t.resolves(eventually(() => !existsSync(logins)));
});

t.test('stopping the agent stops no service, and it comes back with its key alone', async (t) => {
  if (!(await requireDocker(t))) return;
  const host = await startHost(t);
  await host.resultOf(await host.offer('deploy', 1));
  const before = await docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}}', `${host.name}-web-1`]);
  t.equal(await host.agent.end('SIGTERM'), 0);
  t.equal(await docker(['inspect', '-f', '{{.Id}} {{.State.StartedAt}}', `${host.name}-web-1`]), before);

  const again = new Program([AGENT, '--data-dir', join(host.dir, 'data')], join(host.dir, 'again.log'));
  again.start();
  t.teardown(() => again.end('SIGKILL'));
  await host.control.untilConnected();
  t.equal(host.control.server.registry.hosts.size, 1, 'as the same host');

  const second = run(process.execPath, [AGENT, '--data-dir', join(host.dir, 'data')], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await t.rejects(
    second,
    { code: 1, stderr: /another one is running on/ },
    'a second agent on the directory is refused',
  );
});
