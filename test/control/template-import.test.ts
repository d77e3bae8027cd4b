// Imports over HTTP and the real app: what is written, what is skipped, and texts that are out to do harm.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const fixture = (path: string) => readFileSync(new URL(`../fixtures/imports/${path}`, import.meta.url), 'utf8');
const CONTAINERS = fixture('portainer/containers/content');
const WIKI = fixture('coolify/wiki/wiki.yaml');

interface Outcome {
  imported: { id: string; name: string; category: string; warnings: string[] }[];
  skipped: { name: string; reason: string }[];
}

const run = ({ http, key }: RealHttp, body: object) =>
  http.call<Outcome>('POST', '/api/templates/import', { key, body });
const refuse = ({ http, key }: RealHttp, body: object) => http.error('POST', '/api/templates/import', { key, body });
const ownTotal = ({ world }: RealHttp) =>
  world.app.templates.list(ADMIN, { page: 1, perPage: 100, sort: 'name', order: 'asc', origin: 'imported' }).total;

t.test('a list of templates becomes templates of our own that say what they lost', async (t) => {
  const real = await startRealHttp(t);
  t.match(await run(real, { content: CONTAINERS }), {
    status: 201,
    body: {
      imported: [
        { id: 'web', origin: 'imported', imported_from: 'portainer', version: 1, warnings: [/^logo/] },
        { id: 'agent', warnings: [/^administrator_only/, /refused for services of a customer/] },
      ],
      skipped: [{ name: 'IIS', reason: 'it is for Windows' }],
    },
  });
  t.equal(ownTotal(real), 2);
  const again = await run(real, { content: CONTAINERS });
  t.same(again.body.imported, []);
  t.match(again.body.skipped, [
    { name: 'IIS' },
    { name: 'Web server', reason: 'the id "web" is taken' },
    { name: 'Agent' },
  ]);
});

t.test('a dry run says the same and writes nothing', async (t) => {
  const real = await startRealHttp(t);
  const dry = await run(real, { content: CONTAINERS, dry_run: true });
  t.equal(dry.status, 200);
  t.equal(ownTotal(real), 0);
  const wet = await run(real, { content: CONTAINERS });
  t.same(
    dry.body.imported.map(({ warnings }) => warnings),
    wet.body.imported.map(({ warnings }) => warnings),
  );
});

t.test('an imported template is deployed like any other', async (t) => {
  const real = await startRealHttp(t);
  await real.world.joinAndConnect();
  await run(real, { files: { 'wiki.yaml': WIKI } });
  const deploy = (variables: object) =>
    real.http.call('POST', '/api/templates/wiki/deploy', { key: real.key, body: { name: 'wiki', variables } });
  t.match(await deploy({}), { status: 422, body: { error: { fields: { 'variables.MAIL_FROM': 'is required' } } } });
  const made = await deploy({ MAIL_FROM: 'wiki@example.com' });
  t.match(made, { status: 201, body: { deploy_job_id: /^job_/ } });
  const { body } = await real.http.get(`/api/services/${String(made.body['id'])}`, real.key);
  t.match(body, {
    template: 'wiki',
    variables: { SERVICE_URL_WIKI: /^http:\/\/localhost:\d{5}$/, SERVICE_PASSWORD_POSTGRES: /^\w{32}$/ },
  });
});

t.test('id and category may be given; an id only for one template', async (t) => {
  const real = await startRealHttp(t);
  const files = { 'wiki.yaml': WIKI };
  t.match(await run(real, { files, id: 'team-wiki', category: 'cms' }), {
    body: { imported: [{ id: 'team-wiki', category: 'cms' }] },
  });
  t.match(await refuse(real, { content: CONTAINERS, id: 'one' }), { status: 422, fields: { id: /here are 2/ } });
  t.match(await refuse(real, { files, category: 'misc' }), { status: 422, fields: { category: /must be one of/ } });
  const bad = await run(real, { files, id: 'Not An Id' });
  t.match(bad.body.skipped, [{ name: 'wiki', reason: /manifest\.id/ }]);
});

t.test('a list may be fetched, and so may the stacks it points to, once each', async (t) => {
  const real = await startRealHttp(t);
  const url = 'https://templates.example.com/list.json';
  real.world.texts.set(url, fixture('portainer/stacks/content'));
  const fetched = JSON.parse(fixture('portainer/stacks/fetched.json')) as Record<string, string>;
  for (const [link, text] of Object.entries(fetched)) real.world.texts.set(link, text);
  const { body } = await run(real, { url });
  t.match(body.imported, [{ id: 'blog-stack' }]);
  t.equal(body.skipped.length, 7);
  t.match(await refuse(real, { url: 'https://templates.example.com/none' }), { status: 502, code: 'egress_failed' });
});

t.test('exactly one source is imported, of a form that is known', async (t) => {
  const real = await startRealHttp(t);
  for (const body of [{}, { content: 'x', url: 'https://example.com' }])
    t.match(await refuse(real, body), { status: 422, fields: { content: /one of content, files and url/ } });
  t.match(await refuse(real, { content: 'hello' }), {
    status: 422,
    code: 'template_invalid',
    details: /none of these formats/,
  });
  for (const format of ['portainer', 'caprover', 'dokploy', 'coolify', 'runtipi', 'longshore'])
    t.match(await refuse(real, { format, content: '- 1' }), { status: 422, code: 'template_invalid' }, format);
  t.match(await refuse(real, { format: 'umbrel', content: 'x' }), { status: 422, code: 'validation_error' });
});

t.test('texts that are out to do harm end at a limit, not in a crash', async (t) => {
  const real = await startRealHttp(t);
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const aliases = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    aliases.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
  const bomb = `# slogan: x\n${aliases.join('\n')}\nservices: { a: { image: "x", command: *a8 } }\n`;
  const harmful: [format: string, source: object][] = [
    ['coolify', { content: bomb }],
    ['caprover', { content: `captainVersion: 4\n${aliases.join('\n')}\n` }],
    ['portainer', { content: `{"templates": ${deep}}` }],
    ['runtipi', { files: { 'config.json': '{"id":"a","name":"a"}', 'docker-compose.json': `{"services":${deep}}` } }],
    ['dokploy', { files: { 'docker-compose.yml': 'services: {a: {image: x}}', 'template.toml': `a = ${deep}` } }],
    [
      'dokploy',
      { files: { 'docker-compose.yml': 'services: {a: {image: x}}', 'template.toml': '\n'.repeat(300_000) } },
    ],
    ['coolify', { content: `services: { a: { image: "${'${A:-'.repeat(30_000)}" } }` }],
  ];
  for (const [format, source] of harmful) {
    t.match(await refuse(real, { format, ...source }), { status: 422, code: 'template_invalid', details: /./ }, format);
  }
  const note = `${'<script '.repeat(20_000)}${'<p'.repeat(20_000)}${' '.repeat(50_000)}`;
  const list = { version: '2', templates: [{ type: 1, title: 'T', image: 'x', note, description: note }] };
  t.match(await run(real, { content: JSON.stringify(list) }), { status: 201, body: { imported: [{ id: 't' }] } });
});

t.test('an import may be large, not endless', async (t) => {
  const real = await startRealHttp(t);
  const many = Array.from({ length: 1001 }, (_, i) => ({ type: 1, title: `t${i}`, image: 'x' }));
  const values = Array.from({ length: 600 }, (_, i) => `v${i} = "\${v${i + 1}}"`).join('\n');
  const caprover = Array.from({ length: 501 }, (_, i) => `{ id: $$cap_v${i} }`).join(',');
  const toml = (text: string) => ({
    files: { 'docker-compose.yml': 'services: {a: {image: x}}', 'template.toml': text },
  });
  const large: [source: object, details: RegExp][] = [
    [{ content: JSON.stringify(many) }, /more than 1000 templates/],
    [toml(`[variables]\n${values}\n`), /template\.toml: variables: more than 500/],
    [{ content: `captainVersion: 4\ncaproverOneClickApp: { variables: [${caprover}] }\n` }, /CapRover/],
  ];
  for (const [source, details] of large)
    t.match(await refuse(real, source), { status: 422, code: 'template_invalid', details });
  // A text that was looked through once for each of its dollars took twenty seconds.
  const dollars = await run(real, toml(`[[config.mounts]]\nfilePath = "a"\ncontent = "${'${a:'.repeat(60_000)}"\n`));
  t.match(dollars, { status: 201, body: { imported: [{ id: 'a' }] } });
});

t.test('imports count as deploys do: ten a minute', async (t) => {
  const real = await startRealHttp(t, { config: { rateLimits: { anonymous: 9, authenticated: 9, deploy: 1 } } });
  const body = { content: CONTAINERS, dry_run: true };
  t.equal((await run(real, body)).status, 200);
  t.match(await refuse(real, body), { status: 429, code: 'rate_limited' });
});

t.test("a customer's key imports for its customer", async (t) => {
  const real = await startRealHttp(t);
  const { http, key, world } = real;
  const customer = await http.call<{ id: string }>('POST', '/api/customers', { key, body: { name: 'Acme' } });
  const customerId = customer.body.id;
  const bound = await world.app.keys.create(ADMIN, { name: 'k', permissions: ['templates.*'], customerId });
  const made = await run({ ...real, key: bound.secret }, { files: { 'wiki.yaml': WIKI } });
  t.match(made.body.imported, [{ id: 'wiki', customer_id: customerId }]);
});

t.test('A13: a repeated import answers as the first one did', async (t) => {
  const { http, key } = await startRealHttp(t);
  const headers = { 'idempotency-key': 'import-once' };
  const send = () =>
    http.call<Outcome>('POST', '/api/templates/import', { key, headers, body: { content: CONTAINERS } });
  const first = await send();
  t.strictSame((await send()).body, first.body);
  t.equal(first.body.imported.length, 2);
});
