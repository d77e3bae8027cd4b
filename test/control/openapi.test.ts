// The OpenAPI document: complete, true to its own schemas, and readable as a page.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { JSON_TYPE, operationsOf, type Media, type OpenApi } from '../../control/http/openapi/document.ts';
import { ERRORS } from '#shared/errors.ts';
import { ApiContract } from '../support/api-contract.ts';
import { splitCommand } from '../support/curl.ts';
import { documentedRequests } from '../support/documented.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';
import { generateOpenApi, OPENAPI_FILE } from '../support/openapi.ts';
import { renderReference } from '../../control/http/reference/render.ts';
import { buildHttp } from '../../control/http/server.ts';

/** Pages, the document itself and the agents' door are no part of the API. */
const NOT_DESCRIBED = [
  'GET /api/openapi.json',
  'GET /docs',
  'GET /docs/style.css',
  'GET /agent/v1',
  'GET /metrics',
  'GET /install.sh',
  'GET /dist/:file',
];

const { http, routes, stop } = await buildHttp(fakeDeps(new FakeApp()));
t.teardown(stop);
const document = (await http.inject('/api/openapi.json')).json<OpenApi>();
const contract = new ApiContract(document);
const operations = operationsOf(document);

t.test('docs/openapi.json is what the routes give now', async (t) => {
  const isSame = readFileSync(OPENAPI_FILE, 'utf8') === (await generateOpenApi());
  t.ok(isSame, 'the API has changed: run `npm run openapi`, read the diff as a client would, and commit it');
});

t.test('every route is described, with the permission it asks for', async (t) => {
  const described = operations.map(({ method, path, operation }) => {
    return `${method.toUpperCase()} ${path} ${operation['x-permission']}`;
  });
  const mounted = routes
    .filter(({ method, path }) => method !== 'HEAD' && !NOT_DESCRIBED.includes(`${method} ${path}`))
    .map(({ method, path, permission }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')} ${permission}`);
  t.strictSame(described.toSorted(), mounted.toSorted());
});

t.test('every operation has a summary, a name of its own, and says what it answers', async (t) => {
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length);
  for (const { method, path, operation } of operations) {
    const name = `${method.toUpperCase()} ${path}`;
    t.ok(operation.summary, `${name} has a summary`);
    t.ok(operation.tags?.length, `${name} has a tag`);
    t.ok(
      Object.keys(operation.responses).some((status) => Number(status) < 400),
      `${name} can go well`,
    );
    t.ok(operation.responses['500'], `${name} can fail`);
    if (operation['x-permission'] === 'public') continue;
    for (const status of ['401', '403', '429']) t.ok(operation.responses[status], `${name} can answer ${status}`);
  }
});

t.test('every error code is in the document', async (t) => {
  const answers = Object.values(document.components.responses ?? {});
  const known = answers.flatMap((answer) => Object.keys(answer.content?.[JSON_TYPE]?.examples ?? {}));
  const met = Object.entries(ERRORS).filter(([, { status }]) => status < 500);
  t.strictSame(
    met.map(([code]) => code).filter((code) => !known.includes(code)),
    [],
  );
});

t.test('every body has an example, and each example is true to its schema', async (t) => {
  const bodies = operations.flatMap(({ method, path, operation }) => {
    const contents = [operation.requestBody?.content, ...Object.values(operation.responses).map((one) => one.content)];
    return contents.flatMap((content) =>
      content?.[JSON_TYPE] ? [{ name: `${method} ${path}`, media: content[JSON_TYPE] }] : [],
    );
  });
  for (const { name, media } of bodies) {
    t.ok('example' in media || media.examples, `${name} has an example`);
    t.strictSame(faultsOf(media), [], name);
  }
});

function faultsOf({ schema = {}, example, examples = {} }: Media): string[] {
  const values = [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)];
  return values.flatMap((value) => contract.faultsOf(schema, value));
}

t.test('every parameter says what it is, every tag what it is about', async (t) => {
  for (const { method, path, operation } of operations) {
    const own = (operation.parameters ?? []).filter((parameter) => parameter.$ref === undefined);
    const silent = own.filter(({ description, schema }) => !description && !schema?.description);
    t.strictSame(
      silent.map(({ name }) => name),
      [],
      `${method.toUpperCase()} ${path}`,
    );
  }
  const tags = new Set(operations.flatMap(({ operation }) => operation.tags ?? []));
  const described = (document.tags ?? []).filter(({ description }) => description).map(({ name }) => name);
  t.strictSame(described.toSorted(), [...tags].toSorted());
});

/** The part of a value that another one speaks of, item by item. */
function partOf(value: unknown, shown: unknown): unknown {
  if (Array.isArray(shown)) return shown.map((each, i) => partOf((value as unknown[] | undefined)?.[i], each));
  if (typeof shown !== 'object' || shown === null) return value;
  const fields = (value ?? {}) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(shown).map(([name, each]) => [name, partOf(fields[name], each)]));
}

t.test('the examples are those of the panel API', async (t) => {
  const examples = (path: string, method: string) => {
    const { requestBody, responses } = document.paths[path]?.[method] ?? { responses: {} };
    const media = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
    return media.flatMap((content) => {
      const { example, examples: named = {} } = content?.[JSON_TYPE] ?? {};
      return [example, ...Object.values(named).map(({ value }) => value)];
    });
  };
  const holds = (shown: unknown, found: unknown[]) => found.some((one) => isDeepStrictEqual(partOf(one, shown), shown));
  for (const { name, request, answer, status } of documentedRequests()) {
    if (/^overview, (?!not found)/.test(name)) continue; // lists that show as much as their point needs
    const argv = splitCommand(request);
    const [method = 'GET', data] = ['-X', '-d'].map((option) =>
      argv.includes(option) ? argv[argv.indexOf(option) + 1] : undefined,
    );
    const { pathname } = new URL(argv.find((word) => word.startsWith('https://')) ?? '');
    const path = pathname.replace(/svc_\w+/, '{id}');
    const found = [
      ...examples(path, method.toLowerCase()),
      ...Object.values(document.components.responses ?? {}).flatMap(({ content }) =>
        Object.values(content?.[JSON_TYPE]?.examples ?? {}).map(({ value }) => value),
      ),
    ];
    if (data !== undefined) t.ok(holds(JSON.parse(data), found), `${name}: the body`);
    // One answer stands for the four ways to deploy, and for a page of any size.
    const shown = status === 201 ? { ...(answer as object), name: 'my-app' } : answer;
    const { per_page: _, ...fields } = (shown ?? {}) as Record<string, unknown>;
    t.ok(holds(fields, found), `${name}: the answer`);
  }
});

t.test('what the document says is text in the page, whatever it looks like', async (t) => {
  const harmful = structuredClone(document);
  const { get } = harmful.paths['/api/services'] ?? {};
  if (get) get.summary = '<script>alert(1)</script> & `<b>`';
  const html = renderReference(harmful);
  t.notMatch(html, /<script|<b>`/);
  t.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; <code>&lt;b&gt;<\/code>/);
});

t.test('the reference is one page that names every operation and asks for nothing from elsewhere', async (t) => {
  const server = await startTestHttp(t);
  const page = await fetch(`${server.url}/docs`);
  t.match(page.headers.get('content-type'), /^text\/html/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  const html = await page.text();
  for (const { method, path } of operations) t.ok(html.includes(`<b>${method.toUpperCase()}</b> ${path}<`), path);
  const anchors = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  t.strictSame(
    links.filter((id) => !anchors.has(id)),
    [],
    'every link leads somewhere',
  );
  t.equal(anchors.size, [...html.matchAll(/ id="/g)].length, 'no place has two names');
  t.notMatch(html, /<script|<img|(src|href)="(?!#|\/docs\/style\.css|\/api\/openapi\.json)/);
  t.equal((await fetch(`${server.url}/docs/style.css`)).status, 200);
});
