// A template that comes from elsewhere, the whole way: import, deploy, delete it, and its service lives on.
import t from 'tap';
import { runCli } from '../support/cli.ts';
import { requireDocker, uniqueProject } from '../support/docker.ts';
import { startUp } from '../support/up.ts';

void t.test('an imported template is deployed, and its service redeploys when the template is gone', async (t) => {
  if (!(await requireDocker(t))) return;
  const up = await startUp(t);
  const client = { url: up.url, env: up.env };
  t.match(await runCli(['templates', 'import', `${up.url}/list.json`], client), {
    exitCode: 6,
    stderr: /egress_denied/,
  });
  const name = uniqueProject(t, 'e2e-imported');
  const entry = {
    type: 1,
    title: name,
    image: 'longshore-test/web:1',
    env: [{ name: 'A_PASSWORD' }],
    ports: ['80/tcp'],
  };
  const dir = t.testdir({ 'list.json': JSON.stringify({ version: '2', templates: [entry] }) });
  t.match(await runCli(['templates', 'import', `${dir}/list.json`], client), { exitCode: 0, stdout: /imported/ });
  const made = await runCli(['deploy', '--template', name, '--name', name, '--follow'], client);
  t.equal(made.exitCode, 0, made.stderr);

  const show = async () => {
    const { stdout } = await runCli(['services', 'get', name, '--json'], client);
    return JSON.parse(stdout) as { status: string; url: string; variables: Record<string, string> };
  };
  const before = await show();
  t.match(before, { status: 'running', variables: { A_PASSWORD: /^\w{32}$/, PORT_80: /^\d{5}$/ } });
  const page = await fetch(`http://127.0.0.1:${before.variables['PORT_80']}/`);
  t.equal(page.status, 200, 'it answers on the port that was made up');

  t.match(await runCli(['templates', 'delete', name], client), { exitCode: 0 });
  const again = await runCli(['services', 'redeploy', name, '--pull', 'missing', '--follow'], client);
  t.equal(again.exitCode, 0, again.stderr);
  t.same((await show()).variables, before.variables);
  t.match(await runCli(['services', 'rm', name, '--yes'], client), { exitCode: 0 });
});
