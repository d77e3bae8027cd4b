// A change that is looked at first, made as it was planned, and taken back: on the command line, with real containers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { runCli } from '../support/cli.ts';
import { makeFolder } from '../support/folder.ts';
import { startUp } from '../support/up.ts';

const COMPOSE = `
services:
  web: {image: "longshore-test/web:\${TAG}", environment: {LEVEL: "\${LEVEL}"}, stop_grace_period: 1s}
  db: {image: "busybox:1", init: true, command: sleep 1000, volumes: ["data:/data"], stop_grace_period: 1s}
volumes: {data: {}}
`;

void t.test('plan, apply, look back, roll back', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const name = uniqueProject(t, 'plan');
  const file = join(makeFolder(t, 'e2e'), 'compose.yaml');
  writeFileSync(file, COMPOSE);
  const run = (...args: string[]) => runCli(args, { url: up.url, env: { LONGSHORE_API_KEY: up.key } });
  const services = (...args: string[]) => run('services', ...args);
  const create = ['deploy', '-f', file, '--name', name, '--env', 'TAG=1', '--env', 'LEVEL=info'];
  const running = async () =>
    docker(['ps', '-aq', '--no-trunc', '--filter', `label=com.docker.compose.project=${name}`]);

  const first = await run(...create, '--plan');
  t.match(first, { exitCode: 0, stdout: /create\tdb\tno container yet\ncreate\tweb\tno container yet\n/ });
  t.match(first.stdout, `create volume ${name}_data\n`);
  t.equal(await running(), '', 'nothing was made');
  t.match(await services('get', name), { exitCode: 3 });
  t.match(await run(...create, '--follow'), { exitCode: 0 });

  const change = ['--env', 'TAG=2', '--env', 'LEVEL=debug'];
  const before = await running();
  const plan = await services('plan', name, ...change);
  t.match(plan.stdout, /keep\tdb\tunchanged\nrecreate\tweb\t/);
  t.match(plan.stdout, 'web: environment.LEVEL: info -> debug\n');
  t.match(plan.stdout, 'web: image: longshore-test/web:1 -> longshore-test/web:2\n');
  t.match(plan.stdout, 'down for a moment: web\n');
  t.equal(await running(), before);
  const planId = /plan (dp_\w+)/.exec(plan.stdout)?.[1] ?? '';
  const other = await services('update', name, '--env', 'TAG=2', '--plan-id', planId);
  t.match(other, { exitCode: 5, stderr: /This is not what was planned/ });
  t.match(await services('update', name, ...change, '--plan-id', planId, '--follow'), { exitCode: 0 });
  t.match((await services('plan', name, '--display-name', 'x')).stdout, 'this change needs no deploy\n');

  t.match((await services('revisions', name)).stdout, /\n2\tyes\t.*\tdeploy\t[^]*\n1\t-\t/);
  t.match((await services('revisions', name, '1')).stdout, 'LEVEL: info');
  t.match((await services('revisions', name, '2', '--diff')).stdout, 'web\tenvironment.LEVEL\tinfo\tdebug\n');
  t.match(await services('rollback', name, '--follow'), { exitCode: 0, stdout: `${name}: rolled back\n` });
  t.match((await services('revisions', name)).stdout, /\n3\tyes\t.*\trollback to 1\t/);
  const images = await docker(['ps', '--format', '{{.Image}}', '--filter', `label=com.docker.compose.project=${name}`]);
  t.same(images.split('\n').toSorted(), ['busybox:1', 'longshore-test/web:1']);
  const redeploy = await services('redeploy', name, '--pull', 'missing', '--follow');
  t.match(redeploy, { exitCode: 0, stdout: `${name}: nothing had to change\n` }, 'nothing undoes it');
  t.match((await services('events', name)).stdout, 'Rolled back to revision 1');
  t.match(await services('rollback', name, '9'), { exitCode: 6, stderr: /is not kept/ });

  await t.test('what somebody changes on the host is noticed, put back, or taken as it is', async (t) => {
    const web = await docker(['ps', '-q', '--filter', `name=${name}-web-1`]);
    t.match(await services('drift', name), { exitCode: 0, stdout: 'in sync with revision 4\n' });
    await docker(['update', '--restart', 'always', web]);
    const told = async () => (await services('events', name, '--type', 'drift')).stdout;
    await eventually(told, { until: (text) => text.includes(`${name}-web-1 has another restart`) });
    t.match((await services('drift', name)).stdout, `${name}-web-1\tchanged\trestart\t-\talways\n`);
    const isTold = async () => /"drift": \{\s*"state": "drifted"/.test((await services('get', name, '--json')).stdout);
    await eventually(isTold);

    t.match(await services('drift', name, '--accept', '--follow'), { exitCode: 0, stdout: `${name}: accepted\n` });
    t.equal(await docker(['ps', '-q', '--filter', `name=${name}-web-1`]), web, 'nothing was recreated');
    await eventually(told, { until: (text) => text.includes('What runs is what revision 5 says') });
    t.equal((await told()).match(/\tdrifted\t/g)?.length, 1, 'told once');
    const again = await services('redeploy', name, '--pull', 'missing', '--follow');
    t.match(again, { exitCode: 0, stdout: `${name}: nothing had to change\n` });

    await docker(['update', '--restart', 'no', web]);
    t.match(await services('drift', name, '--revert', '--follow'), { exitCode: 0, stdout: `${name}: reverted\n` });
    t.match(await services('drift', name), { stdout: 'in sync with revision 6\n' });
  });
});
