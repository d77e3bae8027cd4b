// Each template of the catalogue against the real Compose: what it makes of our files and values is what counts.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { findComposePlugin } from '../../agent/docker/compose.ts';
import { judgeCompose } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import type { ComposeMap } from '#shared/compose/values.ts';
import { loadTemplates } from '../../control/templates/load.ts';
import { renderTemplate } from '../../control/templates/render.ts';
import type { TemplateDefinition } from '../../control/templates/schema.ts';
import { docker, ensureAliases, requireDocker, runProgram, uniqueProject } from '../support/docker.ts';
import { makeFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { importCases, missingValues, runImport } from '../support/imports.ts';
import { standInsFor } from '../support/stand-ins.ts';

interface ComposeModel extends ComposeMap {
  name: string;
  services: Record<string, ComposeMap & { image: string; command?: string[]; environment?: Record<string, string> }>;
  configs?: Record<string, { content: string }>;
}

const COMPOSE = findComposePlugin('/') ?? '';

const requireTemplate = (id: string) => loadTemplates().get(id) as TemplateDefinition;

/** Writes the rendered template as a host would and returns its compose file. */
function layOut(t: Test, definition: TemplateDefinition, given: Record<string, string>): string {
  const { compose, variables, files } = renderTemplate(definition, given, { randomBytes, now: () => Date.now() });
  // Between single quotes Compose takes everything as it is, but for the quote itself.
  const env = Object.entries(variables).map(([name, value]) => `${name}='${value.replaceAll("'", "\\'")}'\n`);
  const folder = makeFolder(t, 'host');
  for (const [path, text] of Object.entries({ ...files, 'compose.yaml': compose, '.env': env.join('') })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return join(folder, 'compose.yaml');
}

/** By the plugin itself: `docker` would ask each plugin what it is first, and there are a hundred models to read. */
const readModel = async (file: string): Promise<ComposeModel> =>
  JSON.parse(await runProgram(COMPOSE, ['-f', file, 'config', '--format', 'json'])) as ComposeModel;

/** Loopback and a port of our own for each one the template publishes. */
async function freePorts(definition: TemplateDefinition): Promise<Record<string, string>> {
  const names = definition.variables.filter((variable) => variable.type === 'port').map((variable) => variable.name);
  const ports = await Promise.all(names.map(async (name) => [name, String(await freePort())]));
  return { ...(Object.fromEntries(ports) as Record<string, string>), BIND_ADDRESS: '127.0.0.1' };
}

async function testTemplate(t: Test, definition: TemplateDefinition): Promise<void> {
  const file = layOut(t, definition, {});
  const model = await readModel(file);

  await t.test('Compose takes it with defaults and generated values, nothing blank', async (t) => {
    t.not(Object.keys(model.services).length, 0);
    for (const { environment = {} } of Object.values(model.services)) t.notOk(Object.values(environment).includes(''));
  });

  await t.test('a host takes it, for the operator and for a customer', async (t) => {
    const context = {
      form: 'normalised',
      project: model.name,
      projectDir: dirname(file),
      reservedPorts: [8080],
    } as const;
    for (const rules of [DEFAULT_POLICY.operator, DEFAULT_POLICY.tenant])
      t.same(judgeCompose({ root: model, services: model.services }, { ...context, rules }), []);
  });

  await t.test('it can listen on an IPv6 address', async (t) => {
    await t.resolves(readModel(layOut(t, definition, { BIND_ADDRESS: '::1' })));
  });
}

async function startTemplate(t: Test, definition: TemplateDefinition): Promise<void> {
  const file = layOut(t, definition, await freePorts(definition));
  const { services } = await readModel(file);
  await ensureAliases(...standInsFor(Object.values(services).map((service) => service.image)));
  const compose = ['compose', '-p', uniqueProject(t, `tpl-${definition.id}`), '-f', file];
  await docker([...compose, 'up', '-d', '--wait', '--pull', 'never', '--wait-timeout', '100']);
  const states = (await docker([...compose, 'ps', '--format', '{{.Service}} {{.Health}}'])).split('\n').toSorted();
  t.same(
    states,
    Object.keys(services)
      .map((name) => `${name} healthy`)
      .toSorted(),
  );
}

/** Each of them is mostly waiting, for Compose or for health checks. */
const AT_ONCE = 4;

void t.test('the catalogue', { jobs: AT_ONCE }, async (t) => {
  if (!(await requireDocker(t))) return;
  const test = (definition: TemplateDefinition) =>
    t.test(definition.id, { buffered: true }, (t) => testTemplate(t, definition));
  await Promise.all([...loadTemplates().values()].map(test));
});

/** A file, an init of its own, and those with the most containers and the least usual health checks; test/e2e deploys others. */
const STARTED = ['nginx', 'mongodb', 'nextcloud', 'keycloak', 'authentik', 'immich', 'mattermost'];

void t.test('a sample: all containers become healthy by their own health checks', { jobs: AT_ONCE }, async (t) => {
  if (!(await requireDocker(t))) return;
  const start = (id: string) => t.test(id, { buffered: true }, (t) => startTemplate(t, requireTemplate(id)));
  await Promise.all(STARTED.map(start));
});

void t.test('A57: a value that looks like YAML, a reference or a command reaches the container as it is', async (t) => {
  if (!(await requireDocker(t))) return;
  const definition = requireTemplate('postgres');
  for (const value of [`"; id # \${POSTGRES_USER}`, "it's: {a: 'b'}", '$(id) `id` $HOME', 'x: y, privileged: true']) {
    const model = await readModel(layOut(t, definition, { POSTGRES_PASSWORD: value }));
    t.same(Object.keys(model.services['postgres'] ?? {}).includes('privileged'), false);
    // `config` prints a literal dollar doubled, so that its output is a compose file again.
    t.equal(model.services['postgres']?.environment?.['POSTGRES_PASSWORD'], value.replaceAll('$', '$$$$'));
  }
});

void t.test('redis: the password is in its file and in no argument', async (t) => {
  if (!(await requireDocker(t))) return;
  const definition = requireTemplate('redis');
  const model = await readModel(layOut(t, definition, { REDIS_PASSWORD: 'correct-horse' }));
  t.match(model.configs?.['redis']?.content, /^requirepass correct-horse$/m);
  t.notMatch(model.services['redis']?.command?.join(' '), 'correct-horse');
});

void t.test('the real Compose takes whatever is imported, with defaults and generated values', async (t) => {
  if (!(await requireDocker(t))) return;
  for (const one of importCases()) {
    for (const definition of (await runImport(one)).definitions) {
      const model = await readModel(layOut(t, definition, missingValues(definition)));
      t.not(Object.keys(model.services).length, 0, `${one.name}: ${definition.id}`);
    }
  }
});

void t.test('A57: a default that an import brings along stays a value', async (t) => {
  if (!(await requireDocker(t))) return;
  const attack = '"; privileged: true # $(id) {{constructor}} $HOME';
  const env = [{ name: 'VALUE', default: attack }];
  const content = JSON.stringify({ version: '2', templates: [{ type: 1, title: 'x', image: 'busybox:1', env }] });
  const input = { format: 'portainer' as const, content, isDryRun: true };
  const fetched = runImport({ format: 'portainer', name: 'attack', expectedFile: '', input, fetched: {} });
  const [definition] = (await fetched).definitions;
  const model = await readModel(layOut(t, definition as TemplateDefinition, {}));
  t.equal(model.services['x']?.environment?.['VALUE'], attack.replaceAll('$', '$$$$'));
  t.notOk('privileged' in (model.services['x'] ?? {}));
});
