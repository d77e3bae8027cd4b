// docs/api.md and the routes that are mounted say the same.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { buildHttp } from '../../control/http/server.ts';
import { FakeApp } from '../support/fake-app.ts';
import { fakeDeps } from '../support/http-server.ts';

t.test('docs/api.md lists every route with its permission', async (t) => {
  const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| ([A-Z]+) \| (\/\S*) \| (\S+) \|$/gm)].map((row) => row.slice(1).join(' '));
  const { routes } = await buildHttp(fakeDeps(new FakeApp()));
  const mounted = routes.filter(({ method }) => method !== 'HEAD');
  t.strictSame(
    documented.toSorted(),
    mounted.map(({ method, path, permission }) => `${method} ${path} ${permission}`).toSorted(),
  );
});
