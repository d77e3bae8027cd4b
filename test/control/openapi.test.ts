// The OpenAPI document: complete, true to its own schemas, and readable as a page.
import t from 'tap';
import { JSON_TYPE, operationsOf, type Media, type OpenApi } from '../../control/http/openapi/document.ts';
import { ERRORS } from '#shared/errors.ts';
import { ApiContract } from '../support/api-contract.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';
import { buildHttp } from '../../control/http/server.ts';

/** Pages, the document itself and the agents' door are no part of the API. */
const NOT_DESCRIBED = ['GET /api/openapi.json', 'GET /docs', 'GET /docs/style.css', 'GET /agent/v1'];

const { http, routes, stop } = await buildHttp(fakeDeps(new FakeApp()));
t.teardown(stop);
const document = (await http.inject('/api/openapi.json')).json<OpenApi>();
const contract = new ApiContract(document);
const operations = operationsOf(document);

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

t.test('the reference is one page that names every operation and asks for nothing from elsewhere', async (t) => {
  const server = await startTestHttp(t);
  const page = await fetch(`${server.url}/docs`);
  t.match(page.headers.get('content-type'), /^text\/html/);
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  const html = await page.text();
  for (const { method, path } of operations) t.ok(html.includes(`<b>${method.toUpperCase()}</b> ${path}<`), path);
  t.notMatch(html, /<script|<img|(src|href)="(?!#|\/docs\/style\.css|\/api\/openapi\.json)/);
  t.equal((await fetch(`${server.url}/docs/style.css`)).status, 200);
});
