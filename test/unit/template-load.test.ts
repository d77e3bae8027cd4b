import t, { type Test } from 'tap';
import { parseCompose } from '#shared/compose/parse.ts';
import { isMap, listOf, textOf } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import { warningsOf } from '../../control/templates/check-definition.ts';
import { loadTemplates } from '../../control/templates/load.ts';
import type { TemplateDefinition } from '../../control/templates/schema.ts';
import { toText } from '../../control/templates/view.ts';

const MANIFEST = `
schema: 1
id: sample
name: Sample
tagline: one line
description: text
category: web
version: 1
appVersion: "1.0"
variables:
  - { name: TAG, label: Tag, default: "1" }
`;
const COMPOSE = 'services: { a: { image: "x:${TAG}", command: "echo $$HOME" } }';

const catalogue = (t: Test, manifest: string, compose = COMPOSE) =>
  t.testdir({ sample: { 'template.yaml': manifest, 'compose.yaml': compose } });

/** The message and details of the refusal, with the folder's own path cut off. */
function refusal(dir: string): string {
  try {
    return `loaded ${[...loadTemplates(dir).keys()].join()}`;
  } catch (error) {
    if (!(error instanceof LongshoreError) || error.code !== 'config_invalid') throw error;
    return `${error.message}: ${error.details?.replaceAll(`${dir}/`, '')}`;
  }
}

/** A version, also after that of what the image is made of, or a date where it has no other. */
const PINNED = /^[a-z0-9./-]+:(v?\d+(-[a-z]+\d+)?\.\d+[\w.-]*|RELEASE\.\d{4}-\d\d-\d\d[\w-]*)$/;

/** Why a template may do without a volume. */
const KEEPS_NOTHING: Record<string, string> = {
  adminer: 'it looks into the databases of others',
  'it-tools': 'its tools work in the browser',
};

void t.test('each template of the catalogue keeps the rules of the house', async (t) => {
  const templates = loadTemplates();
  t.ok(templates.has('uptime-kuma'), 'the documented examples deploy it');
  t.ok(
    [...templates.values()].some(({ category }) => category === 'ai'),
    'they filter by this category',
  );
  t.ok(templates.size >= 40);
  for (const template of templates.values()) await t.test(template.id, async (t) => checkTemplate(t, template));
});

function checkTemplate(t: Test, template: TemplateDefinition): void {
  const { root, services } = parseCompose(template.compose);
  for (const [name, { image, healthcheck, restart }] of Object.entries(services)) {
    t.match(image, PINNED, `${name} has an exact tag`);
    t.ok(isMap(healthcheck) && healthcheck['test'] !== undefined, `${name} has a health check`);
    t.equal(restart, 'unless-stopped', `${name} comes back after a reboot, and stays stopped when it was stopped`);
  }
  const mounts = Object.values(services).flatMap(({ volumes }) => listOf(volumes).map(textOf));
  const named = Object.keys(isMap(root['volumes']) ? root['volumes'] : {});
  t.same(
    mounts.filter((mount) => !mount.startsWith('./') && !named.includes(mount.split(':')[0] ?? '')),
    [],
  );
  t.equal(
    named.length === 0,
    Object.hasOwn(KEEPS_NOTHING, template.id),
    KEEPS_NOTHING[template.id] ?? 'it has a volume',
  );

  const { variables, ports, links } = template;
  t.match(links.docs, /^https:/);
  t.not(ports.length, 0);
  for (const { var: name } of ports)
    t.match(
      variables.find((variable) => variable.name === name),
      { type: 'port', default: /^\d+$/ },
    );
  t.match(
    variables.find(({ name }) => name === 'BIND_ADDRESS'),
    { type: 'ip', advanced: true },
  );
  for (const { name, secret, generate } of variables) t.equal(secret, generate !== undefined, `${name} is made up`);
  t.same(warningsOf(template), [], 'nothing in it is refused for services of a customer');
}

void t.test('a folder is read with its compose text and files', async (t) => {
  const dir = t.testdir({
    sample: {
      'template.yaml': `${MANIFEST}files: [{ path: conf/a.conf, from: a.conf }]`,
      'compose.yaml': COMPOSE,
      'a.conf': 'text of a',
    },
    'README.md': 'a file beside the folders is no template',
  });
  const template = loadTemplates(dir).get('sample');
  t.match(template, { id: 'sample', compose: COMPOSE, files: { 'conf/a.conf': 'text of a' } });
});

void t.test('a refusal names the file, the key and the reason', async (t) => {
  const cases: [manifest: string, reason: RegExp][] = [
    ['{', /^Cannot load template "sample": sample\/template\.yaml: .*line 1/s],
    [MANIFEST.replace('id: sample', 'id: other'), /id is "other", the folder is "sample"/],
    [MANIFEST.replace('category: web', 'category: misc'), /template\.yaml: category: /],
    [`${MANIFEST}domains: []`, /the document: Unrecognized key: "domains"/],
    [MANIFEST.replace('name: TAG', 'name: COMPOSE_FILE'), /variables\.0\.name: is a name that Compose or Docker reads/],
    [MANIFEST.replace('name: TAG', 'name: "A B"'), /variables\.0\.name: /],
    [MANIFEST.replace('label: Tag', 'label: Tag, pattern: "("'), /variables\.0\.pattern: is no regular expression/],
    [MANIFEST.replace('default: "1"', 'type: port, default: "x"'), /the default of TAG must be a port/],
    [MANIFEST.replace('default: "1"', 'default: "${LATER}"'), /default of TAG refers to LATER, not declared above/],
    [`${MANIFEST}  - { name: TAG, label: Again }`, /variable TAG is declared twice/],
    [`${MANIFEST}  - { name: IDLE, label: Idle }`, /variable IDLE is used nowhere/],
    [`${MANIFEST}  - { name: P, label: P, type: password }`, /variables\.1: a password is a secret/],
    [`${MANIFEST}ports: [{ service: a, container: 80, var: NONE }]`, /ports names NONE, which is not declared/],
    [`${MANIFEST}files: [{ path: ../../etc/cron.d/x, from: a }]`, /files\.0\.path/],
    [`${MANIFEST}files: [{ path: .env, from: a }]`, /files\.0\.path/],
    [`${MANIFEST}files: [{ path: compose.yaml, from: a }]`, /files\.0\.path: is a name the service's folder keeps/],
    [`${MANIFEST}files: [{ path: a, from: missing }]`, /sample\/missing: ENOENT/],
  ];
  for (const [manifest, reason] of cases) t.match(refusal(catalogue(t, manifest)), reason);
  t.match(refusal(catalogue(t, MANIFEST, '${TAG} ${OTHER:-x}')), /compose\.yaml uses OTHER, which is not declared/);
});

void t.test('the API view shows what a form needs and nothing of how secrets are made', async (t) => {
  const view = toText(loadTemplates().get('postgres') as TemplateDefinition);
  t.match(view, { id: 'postgres', category: 'database', links: { docs: /^https:/ } });
  t.same(
    view.variables.find(({ name }) => name === 'POSTGRES_PASSWORD'),
    {
      name: 'POSTGRES_PASSWORD',
      label: 'Password',
      help: 'PostgreSQL reads it once, when it makes the volume',
      type: 'password',
      isRequired: true,
      default: null,
      isSecret: true,
      isGenerated: true,
      options: null,
    },
  );
  t.notMatch(JSON.stringify(view), 'generate"');
});
