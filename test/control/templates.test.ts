// Users' own templates over HTTP and the real app: whose they are, what they may say, and that services outlive them.
import t from 'tap';
import type { Permission } from '../../control/app/access/permissions.ts';
import { ADMIN } from '../support/control-world.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

const MANIFEST = `schema: 1
id: blog
name: Blog
tagline: A small blog
category: cms
variables:
  - { name: TAG, label: Tag, default: "1" }
  - { name: SECRET, label: Secret, type: password, secret: true, required: true, generate: { kind: hex } }
files: [{ path: conf/site.conf, from: site.conf }]
`;
const COMPOSE = `services:
  web:
    image: busybox:\${TAG}
    environment: { SECRET: "\${SECRET}" }
    volumes: ["./conf/site.conf:/site.conf:ro"]
`;
const BLOG = { manifest: MANIFEST, compose: COMPOSE, files: { 'site.conf': 'listen 80;' } };

const SMALL = {
  schema: 1,
  name: 'Small',
  tagline: 'One',
  category: 'web',
  compose: 'services:\n  web:\n    image: busybox:1\n',
};

interface Shown {
  id: string;
  version: number;
  origin: string;
  warnings: string[];
}

async function keyOf({ world }: RealHttp, permissions: Permission[], customerId?: string): Promise<string> {
  const { secret } = await world.app.keys.create(ADMIN, { name: 'k', permissions, customerId });
  return secret;
}

async function addCustomer({ http, key }: RealHttp, name: string): Promise<string> {
  const made = await http.call<{ id: string }>('POST', '/api/customers', { key, body: { name } });
  return made.body.id;
}

const ids = async ({ http }: RealHttp, key: string, query = '') =>
  (await http.get<{ data: Shown[] }>(`/api/templates?per_page=100${query}`, key)).body.data.map(({ id }) => id);

t.test('an own template is made, shown, listed, changed and deleted', async (t) => {
  const real = await startRealHttp(t);
  const { http, key } = real;
  const made = await http.call('POST', '/api/templates', { key, body: BLOG });
  t.match(made, {
    status: 201,
    body: {
      id: 'blog',
      version: 1,
      origin: 'own',
      customer_id: null,
      files: ['conf/site.conf'],
      compose: COMPOSE,
      created_at: /Z$/,
      warnings: [],
      variables: [{ name: 'TAG' }, { name: 'SECRET', secret: true, generated: true, default: null }],
    },
  });
  t.strictSame((await http.get('/api/templates/blog', key)).body, made.body);
  t.same(await ids(real, key, '&origin=own'), ['blog']);
  t.same(await ids(real, key, '&category=cms&origin=own&search=SMALL'), ['blog']);
  const found = await ids(real, key, '&category=cms&search=blog&sort=category');
  t.ok(found.indexOf('blog') < found.indexOf('wordpress'), 'by name within a category');

  const changed = { ...BLOG, manifest: MANIFEST.replace('Blog', 'Journal') };
  t.match(await http.call('PUT', '/api/templates/blog', { key, body: changed }), {
    status: 200,
    body: { name: 'Journal', version: 2 },
  });
  t.equal((await http.call('DELETE', '/api/templates/blog', { key })).status, 204);
  t.match(await http.error('GET', '/api/templates/blog', { key }), { status: 404, code: 'not_found' });
});

t.test('a manifest may be an object, and hold the compose text and files itself', async (t) => {
  const { http, key } = await startRealHttp(t);
  const manifest = {
    schema: 1,
    id: 'inline',
    name: 'Inline',
    tagline: 'one',
    category: 'web',
    compose: 'services:\n  web:\n    image: busybox:1\n',
    files: [{ path: 'a.txt', content: 'a' }],
  };
  const body = { manifest };
  t.match(await http.call('POST', '/api/templates', { key, body }), { status: 201, body: { files: ['a.txt'] } });
});

t.test('what is wrong is named by its place, all at once', async (t) => {
  const { http, key } = await startRealHttp(t);
  const fieldsOf = async (body: object) => {
    const error = await http.error('POST', '/api/templates', { key, body });
    t.match(error, { status: 422, code: 'template_invalid' });
    return error.fields;
  };
  t.match(await fieldsOf({ ...BLOG, manifest: MANIFEST.replace('cms', 'misc') }), { 'manifest.category': /./ });
  t.match(await fieldsOf({ ...BLOG, manifest: 'a: [' }), { manifest: /1:/ });
  t.match(await fieldsOf({ ...BLOG, compose: 'services: {web: {image: "x:${OTHER}"}}', files: { other: '' } }), {
    compose: /uses OTHER/,
    'files.site.conf': /missing/,
    'files.other': /does not name it/,
  });
  t.match(await fieldsOf({ ...BLOG, compose: 'services: []' }), { compose: /services/ });
  t.match(await fieldsOf({ manifest: MANIFEST }), { compose: 'is missing' });
  const twice = MANIFEST.replace('files:', '  - { name: TAG, label: Again }\nfiles:');
  t.match(await fieldsOf({ ...BLOG, manifest: twice }), { 'manifest.variables.2.name': /declared twice/ });
  t.match(await http.error('POST', '/api/templates', { key, body: { manifest: 1 } }), {
    status: 422,
    code: 'validation_error',
    fields: { manifest: /template\.yaml/ },
  });
});

t.test('nested aliases in a manifest or compose file end at a limit', async (t) => {
  const { http, key } = await startRealHttp(t);
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++) bomb.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
  const text = `${bomb.join('\n')}\n`;
  const post = (body: object) => http.error('POST', '/api/templates', { key, body });
  t.match(await post({ ...BLOG, manifest: MANIFEST + text }), { status: 422, fields: { manifest: /alias/ } });
  t.match(await post({ ...BLOG, compose: COMPOSE + text }), { status: 422, fields: { compose: /alias/ } });
});

t.test('a template of the catalogue is neither replaced nor hidden; its source can be copied', async (t) => {
  const { http, key } = await startRealHttp(t);
  const clash = { ...BLOG, manifest: MANIFEST.replace('id: blog', 'id: redis') };
  t.match(await http.error('POST', '/api/templates', { key, body: clash }), { status: 409, code: 'name_taken' });
  for (const [method, body] of [
    ['PUT', clash],
    ['DELETE', undefined],
  ] as const) {
    const refused = await http.error(method, '/api/templates/redis', { key, ...(body && { body }) });
    t.match(refused, { status: 409, code: 'state_conflict', details: /Copy it.*\/api\/templates\/redis\/source/ });
  }
  const { body: source } = await http.get<{ manifest: object }>('/api/templates/nginx/source', key);
  const copy = { ...source, manifest: { ...source.manifest, id: 'my-nginx' } };
  t.match(await http.call('POST', '/api/templates', { key, body: copy }), { status: 201, body: { origin: 'own' } });
  const { body: again } = await http.get<{ manifest: object }>('/api/templates/my-nginx/source', key);
  t.strictSame(again, copy, 'what comes out goes in again');
});

t.test('another id in a change is refused', async (t) => {
  const { http, key } = await startRealHttp(t);
  await http.call('POST', '/api/templates', { key, body: BLOG });
  const body = { ...BLOG, manifest: MANIFEST.replace('id: blog', 'id: other') };
  t.match(await http.error('PUT', '/api/templates/blog', { key, body }), {
    fields: { 'manifest.id': /must be "blog"/ },
  });
});

t.test(
  "a customer's template exists for that customer only, and one for everybody is not the customer's to change",
  async (t) => {
    const real = await startRealHttp(t);
    const { http, key, world } = real;
    const [acme, other] = [await addCustomer(real, 'Acme'), await addCustomer(real, 'Other')];
    const acmeKey = await keyOf(real, ['templates.*', 'services.*'], acme);
    const otherKey = await keyOf(real, ['templates.*', 'services.*'], other);
    t.match(await http.call('POST', '/api/templates', { key: acmeKey, body: BLOG }), { body: { customer_id: acme } });
    t.ok((await ids(real, acmeKey)).includes('blog'));
    t.notOk((await ids(real, otherKey)).includes('blog'));
    for (const method of ['GET', 'PUT', 'DELETE'])
      t.match(
        await http.error(method, '/api/templates/blog', { key: otherKey, ...(method === 'PUT' && { body: BLOG }) }),
        {
          status: 404,
        },
      );
    t.match(await http.error('POST', '/api/templates', { key: otherKey, body: { ...BLOG, customer_id: acme } }), {
      status: 422,
      fields: { customer_id: 'Invalid customer ID' },
    });
    const shared = { ...BLOG, manifest: MANIFEST.replace('id: blog', 'id: shared') };
    await http.call('POST', '/api/templates', { key, body: shared });
    t.ok((await ids(real, otherKey)).includes('shared'));
    t.match(await http.error('DELETE', '/api/templates/shared', { key: otherKey }), {
      status: 409,
      code: 'state_conflict',
    });

    await world.joinAndConnect();
    const deploy = (by: string, more: object) =>
      http.call('POST', '/api/templates/blog/deploy', { key: by, body: { name: 'one', ...more } });
    t.match(await deploy(otherKey, {}), { status: 404 });
    t.match(await deploy(key, {}), {
      status: 422,
      body: { error: { fields: { template_id: /is for services of customer/ } } },
    });
    t.match(await deploy(key, { customer_id: acme }), {
      status: 201,
      body: { status: 'deploying', deploy_job_id: /^job_/ },
    });

    await http.call('DELETE', `/api/customers/${other}`, { key });
    t.match(await http.get('/api/templates/blog', key), { status: 200 });
  },
);

t.test('a service keeps what it was made of when its template changes or goes', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  const host = await world.joinAndConnect();
  await http.call('POST', '/api/templates', { key, body: BLOG });
  const body = { name: 'one', deploy_method: 'template', template_id: 'blog' };
  const made = await http.call<{ id: string; deploy_job_id: string }>('POST', '/api/services', { key, body });
  await host.finish(made.body.deploy_job_id);
  const before = (await http.get(`/api/services/${made.body.id}`, key)).body;
  t.match(before, { template: 'blog', compose: COMPOSE, variables: { TAG: '1', SECRET: /^[0-9a-f]{32}$/ } });

  await http.call('PUT', '/api/templates/blog', {
    key,
    body: { ...BLOG, compose: COMPOSE.replace('SECRET:', 'OTHER:') },
  });
  await http.call('DELETE', '/api/templates/blog', { key });
  const again = await http.call('POST', `/api/services/${made.body.id}/redeploy`, { key });
  t.equal(again.status, 200);
  const after = (await http.get(`/api/services/${made.body.id}`, key)).body;
  t.match(after, { compose: COMPOSE, variables: before['variables'] as object });
  const { templateDocument, templateVersion } = world.stores.services.requireSource(made.body.id);
  t.match(JSON.parse(templateDocument ?? ''), {
    id: 'blog',
    version: templateVersion,
    variables: [{ name: 'TAG' }, {}],
  });
});

t.test('a pattern that would keep a backtracking matcher busy for years costs nothing, or is refused', async (t) => {
  const { world, http, key } = await startRealHttp(t);
  await world.joinAndConnect();
  const manifest = MANIFEST.replace('default: "1"', 'pattern: "(a+)+b"');
  await http.call('POST', '/api/templates', { key, body: { ...BLOG, manifest } });
  const body = { name: 'one', variables: { TAG: 'a'.repeat(60) } };
  const refused = await http.error('POST', '/api/templates/blog/deploy', { key, body });
  t.match(refused, { status: 422, code: 'template_variable', fields: { 'variables.TAG': /must match/ } });
  const looking = { ...BLOG, manifest: manifest.replace('(a+)+b', '(?=a)a') };
  t.match(await http.error('PUT', '/api/templates/blog', { key, body: looking }), {
    status: 422,
    fields: { 'manifest.variables.0.pattern': /looks around/ },
  });
});

t.test('A13: a repeated create or import has its effect once', async (t) => {
  const real = await startRealHttp(t);
  const { http, key } = real;
  const headers = { 'idempotency-key': 'make-blog' };
  const make = () => http.call<Shown>('POST', '/api/templates', { key, headers, body: BLOG });
  const first = await make();
  t.strictSame((await make()).body, first.body);
  t.same(await ids(real, key, '&origin=own'), ['blog']);
});

t.test('a template that a customer could not deploy says so', async (t) => {
  const { http, key } = await startRealHttp(t);
  const compose = `${COMPOSE}    privileged: true\n`;
  const { body } = await http.call<Shown>('POST', '/api/templates', { key, body: { ...BLOG, compose } });
  t.match(body.warnings, [/refused for services of a customer: services\.web\.privileged/]);
});

t.test('links are those a browser follows as links', async (t) => {
  const { http, key } = await startRealHttp(t);
  for (const link of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'notes']) {
    const body = { ...BLOG, manifest: `${MANIFEST}links: { docs: ${JSON.stringify(link)} }\n` };
    t.match(
      await http.error('POST', '/api/templates', { key, body }),
      { fields: { 'manifest.links.docs': /./ } },
      link,
    );
  }
});

t.test('one template, and all of one owner together, have a limit', async (t) => {
  const real = await startRealHttp(t);
  const { http, key, world } = real;
  const large = (id: string, kib: number) => ({
    manifest: { ...SMALL, id, files: [{ path: 'a.txt', content: 'a'.repeat(kib * 1024) }] },
  });
  const { status, fields } = await http.error('POST', '/api/templates', { key, body: large('large', 256) });
  t.match({ status, fields }, { status: 422, fields: { manifest: /larger than 256 KiB/ } });
  const now = world.clock.now();
  const place = { customerId: null, isImported: false, createdAt: now, updatedAt: now };
  const shown = { name: 'x', tagline: 'x', category: 'web', version: 1 };
  for (
    let i = 0;
    i < 256;
    i++ // 64 MiB, less what one more needs
  )
    world.stores.templates.insert({ ...shown, ...place, id: `t${i}`, document: 'x'.repeat(256 * 1024 - 4) });
  t.match(await http.error('POST', '/api/templates', { key, body: large('last', 2) }), {
    status: 409,
    code: 'state_conflict',
    details: /Delete those/,
  });
  t.equal((await http.get('/api/templates/last', key)).status, 404);
  t.equal((await http.call('DELETE', '/api/templates/t0', { key })).status, 204);
  t.equal((await http.call('POST', '/api/templates', { key, body: large('last', 2) })).status, 201);
  const customer = await addCustomer(real, 'Acme');
  const own = { ...large('own', 2), customer_id: customer };
  t.equal((await http.call('POST', '/api/templates', { key, body: own })).status, 201, 'each owner has its own room');
});

t.test('with a customer go its templates', async (t) => {
  const real = await startRealHttp(t);
  const { http, key } = real;
  const acme = await addCustomer(real, 'Acme');
  await http.call('POST', '/api/templates', { key, body: { ...BLOG, customer_id: acme } });
  t.equal((await http.call('DELETE', `/api/customers/${acme}`, { key })).status, 204);
  t.match(await http.error('GET', '/api/templates/blog', { key }), { status: 404 });
});
