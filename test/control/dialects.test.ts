// What holds for every dialect: its paths are its own, its words are used for whatever goes wrong, and the same hooks
// as for our own API let requests in.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { buildHttp } from '../../control/http/server.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps, startTestHttp } from '../support/http-server.ts';

/** A prefix, and what an error looks like there. */
const DIALECTS = [{ prefix: '/api/system/services', error: { detail: /./ } }];

t.test('docs/dialects.md lists every route of a dialect with its permission', async (t) => {
  const text = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| ([A-Z]+) \| (\/\S*) \| (\S+) \|$/gm)].map((row) => row.slice(1).join(' '));
  const { dialectRoutes } = await buildHttp(fakeDeps(new FakeApp()));
  const mounted = dialectRoutes.filter(({ method }) => method !== 'HEAD');
  t.strictSame(
    documented.toSorted(),
    mounted.map(({ method, path, permission }) => `${method} ${path} ${permission}`).toSorted(),
  );
});

t.test('none of it is in our own OpenAPI document', async (t) => {
  const http = await startTestHttp(t);
  const { body } = await http.get<{ paths: Record<string, unknown> }>('/api/openapi.json', null);
  const foreign = Object.keys(body.paths).filter((path) => DIALECTS.some(({ prefix }) => path.startsWith(prefix)));
  t.strictSame(foreign, []);
});

for (const { prefix, error } of DIALECTS) {
  t.test(`${prefix} words every refusal itself`, async (t) => {
    const http = await startTestHttp(t, {
      config: { rateLimits: { anonymous: 4, authenticated: 4, deploy: 4 } },
    });
    const refused = async (path: string, key?: string) => {
      const { status, body } = await http.get(prefix + path, key);
      t.match(body, error, `${status} at ${path}`);
      t.notMatch(body, { error: { request_id: /./ } }, 'not in our own words');
      return status;
    };
    t.equal(await refused('/no/such/path/at/all'), 404);
    t.equal(await refused('/%zz'), 400, 'a broken URL');
    t.equal(await refused('/no/such/path?api_key=lsk_in_the_url'), 400);
    t.equal(await refused('/no/such/path/with/an/unknown/key', 'lsk_unknown'), 404, 'as in our own API');
    while ((await http.get(`${prefix}/no/such`)).status !== 429);
    t.equal(await refused('/no/such'), 429);
  });
}
