// Templates of the catalogue, deployed the whole way: API, control, agent, Compose, health checks of the template.
import t, { type Test } from 'tap';
import { loadTemplates } from '../../control/templates/load.ts';
import type { TemplateDefinition } from '../../control/templates/schema.ts';
import { runCli } from '../support/cli.ts';
import { docker, ensureAliases, requireDocker, uniqueProject } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { standInsFor } from '../support/stand-ins.ts';
import { startUp, type Up } from '../support/up.ts';

const imagesOf = ({ compose }: TemplateDefinition) =>
  [...compose.matchAll(/image: (\S+)/g)].map((match) => match[1] ?? '');

/** `--set` flags: loopback, and a free port for each one that is published. */
async function localSettings({ variables }: TemplateDefinition): Promise<string[]> {
  const ports = variables.filter((variable) => variable.type === 'port');
  const settings = await Promise.all(ports.map(async ({ name }) => `${name}=${await freePort()}`));
  return ['BIND_ADDRESS=127.0.0.1', ...settings].flatMap((setting) => ['--set', setting]);
}

interface Shown {
  status: string;
  health: { status: string };
  variables: Record<string, string>;
}

async function show(up: Up, name: string, key = up.key): Promise<Shown> {
  const { stdout } = await runCli(['services', 'get', name, '--json'], {
    url: up.url,
    env: { LONGSHORE_API_KEY: key },
  });
  return JSON.parse(stdout) as Shown;
}

async function deployTemplate(t: Test, up: Up, definition: TemplateDefinition): Promise<void> {
  await ensureAliases(...standInsFor(imagesOf(definition)));
  const name = uniqueProject(t, `e2e-${definition.id}`.slice(0, 30));
  const client = { url: up.url, env: up.env };
  const settings = await localSettings(definition);
  const made = await runCli(['deploy', '--template', definition.id, '--name', name, ...settings, '--follow'], client);
  t.equal(made.exitCode, 0, made.stderr);

  const before = await show(up, name);
  t.match(before, { status: 'running', health: { status: 'healthy' }, template: definition.id });
  const again = await runCli(['services', 'redeploy', name, '--pull', 'missing', '--follow'], client);
  t.equal(again.exitCode, 0, again.stderr);
  t.same((await show(up, name)).variables, before.variables, 'generated values stay');

  const secrets = definition.variables.filter((variable) => variable.secret).map((variable) => variable.name);
  const reader = await runCli(['keys', 'create', '--name', name, '-p', 'services.read'], client);
  const masked = await show(up, name, reader.stdout.trim());
  for (const secret of secrets) {
    t.match(before.variables[secret], /^[A-Za-z0-9+/=]{32,}$/);
    t.equal(masked.variables[secret], '***', 'a secret is for those who may read secrets');
    t.notMatch(made.stderr + up.output, before.variables[secret] ?? '', 'no secret in progress or log');
  }
  t.match(await runCli(['services', 'rm', name, '--yes'], client), { exitCode: 0 });
  t.equal(await docker(['volume', 'ls', '-q', '--filter', `label=com.docker.compose.project=${name}`]), '');
}

/** One with a config, those of one to three containers, one of the AI; test/docker asks Compose about all the others. */
const SAMPLE = ['uptime-kuma', 'postgres', 'redis', 'wordpress', 'plausible', 'open-webui'];

/** Each of them is mostly waiting for health checks. */
const AT_ONCE = 3;

void t.test('the catalogue', { jobs: AT_ONCE }, async (t) => {
  if (!(await requireDocker(t))) return;
  const up = await startUp(t);
  const templates = [...loadTemplates().values()].filter(({ id }) => SAMPLE.includes(id));
  t.equal(templates.length, SAMPLE.length);
  const test = (definition: TemplateDefinition) =>
    t.test(
      `${definition.id} is deployed, redeployed with the same secrets, and removed with its volumes`,
      { buffered: true },
      (t) => deployTemplate(t, up, definition),
    );
  await Promise.all(templates.map(test));

  await t.test('A57: a template refuses variables it does not have and values it cannot take', async (t) => {
    const client = { url: up.url, env: up.env };
    const refuse = (...pairs: string[]) =>
      runCli(['deploy', '--template', 'postgres', '--name', 'never', ...pairs.flatMap((p) => ['--set', p])], client);
    t.match(await refuse('PORT=x', 'NO_SUCH=1'), {
      exitCode: 6,
      stderr: /template_variable[^]*variables\.NO_SUCH: is not a variable[^]*variables\.PORT: must be a port/,
    });
    t.match(await refuse('POSTGRES_PASSWORD=12345678\n privileged: true'), {
      exitCode: 6,
      stderr: /variables\.POSTGRES_PASSWORD: must be one line/,
    });
  });
});
