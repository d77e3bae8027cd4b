// Repositories without a compose file and a Dockerfile, built by recipes and asked over HTTP, on stand-ins of the
// languages' images (images/languages.sh). Nothing is fetched: the projects bring what they depend on.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { docker, ensureLanguages, requireDocker } from '../support/docker.ts';
import { askRecipe as ask, recipeHost as hostOf, startRecipe as start } from '../support/recipe-host.ts';

const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

const NODE_SERVER = `import { createServer } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
const { GREETING = 'nobody', NODE_ENV, PORT } = process.env;
createServer((request, response) => {
  writeFileSync('visits', 'one'); // beside its own files
  response.end([readFileSync('dist/built.txt', 'utf8'), GREETING, NODE_ENV, process.getuid()].join(' '));
}).listen(PORT);
process.on('SIGTERM', () => process.exit());
`;
const NODE_PROJECT = {
  'package.json': json({
    name: 'shop',
    private: true,
    type: 'module',
    scripts: { build: 'mkdir -p dist && printf built > dist/built.txt', start: 'exec node server.js' },
  }),
  'package-lock.json': json({ name: 'shop', lockfileVersion: 3, packages: { '': { name: 'shop' } } }),
  'server.js': NODE_SERVER,
};

/** Its builder is a package in a folder, with the name of a well-known one. */
const FRONT_END = {
  'package.json': json({
    name: 'page',
    private: true,
    scripts: { build: 'vite build', start: 'vite' },
    devDependencies: { vite: 'file:tools/vite' },
  }),
  'tools/vite/package.json': json({ name: 'vite', version: '1.0.0', bin: 'vite.js' }),
  'tools/vite/vite.js': `#!/usr/bin/env node
require('node:fs').mkdirSync('dist');
require('node:fs').writeFileSync('dist/index.html', '<h1>built</h1>');
`,
};

const PYTHON_PROGRAM = `import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['VIRTUAL_ENV_SEEN']} {os.getuid()}".encode())

import sys
os.environ['VIRTUAL_ENV_SEEN'] = sys.prefix
HTTPServer(('', int(os.environ['PORT'])), Answer).serve_forever()
`;

const AGAIN = { kind: 'redeploy', pull: 'missing' } as const;

void t.test('recipes', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureLanguages();

  await t.test(
    'a Node server is built and runs as nobody in particular, with the variables of its service',
    async (t) => {
      const { host, said } = await start(t, NODE_PROJECT, { variables: { GREETING: 'it costs $5 and ${HOME}' } });
      t.equal((await ask(host)).text, 'built it costs $5 and ${HOME} production 1000');
      const [plan = ''] = said.filter((line) => line.startsWith('prepare: commit'));
      t.match(
        plan,
        /Node recipe: found package.json, package-lock.json \(npm\), Node 24; will run npm run start on port 3000/,
      );
      t.match(plan, /\nFROM longshore-test\/node:24 AS build\n/, 'the Dockerfile is in the log');
      t.match(readFileSync(join(host.folder, 'compose.yaml'), 'utf8'), /dockerfile_inline/, 'and in the folder');
      const [commit = ''] = readdirSync(join(host.folder, 'repo'));
      t.strictSame(readdirSync(join(host.folder, 'repo', commit)).toSorted(), Object.keys(NODE_PROJECT).toSorted());
    },
  );

  await t.test('the same commit again keeps the container; another one replaces it', async (t) => {
    const { host, repository } = await start(t, NODE_PROJECT);
    const before = await host.containerIds();
    t.match(await host.deploy({}, AGAIN), { state: 'succeeded', unchanged: true });
    t.strictSame(await host.containerIds(), before);
    await repository.commit({ 'server.js': NODE_SERVER.replace('GREETING,', '"new",') });
    t.match(await host.deploy({}, AGAIN), { state: 'succeeded', plan: [{ action: 'recreate' }] });
    t.match((await ask(host)).text, /^built new /);
  });

  await t.test('a front end is built by Node and served without it; every path is its page', async (t) => {
    const { host } = await start(t, FRONT_END);
    t.strictSame(await ask(host), { status: 200, text: '<h1>built</h1>' });
    t.strictSame(await ask(host, '/orders/7'), { status: 200, text: '<h1>built</h1>' });
    await t.rejects(docker(['exec', (await host.containerIds())['app'] ?? '', 'node', '--version']));
  });

  await t.test('files alone are served, but none that is for the server', async (t) => {
    const { host } = await start(t, {
      'index.html': '<h1>hello</h1>',
      'a/b.txt': 'deep',
      '.env': 'SECRET=1',
    });
    t.strictSame(await ask(host), { status: 200, text: '<h1>hello</h1>' });
    t.equal((await ask(host, '/a/b.txt')).text, 'deep');
    for (const path of ['/.env', '/nothing']) t.equal((await ask(host, path)).status, 404, path);
  });

  await t.test('a Python program gets an environment of its own and the port its service says', async (t) => {
    const { host } = await start(
      t,
      { 'main.py': PYTHON_PROGRAM, 'requirements.txt': '# none\n' },
      { variables: { PORT: '9000' } },
    );
    t.equal((await ask(host)).text, '/opt/venv 1000');
    t.match(await host.engine.listProject(host.spec.name), [{ ports: [{ container: 9000 }] }]);
  });

  await t.test("A39: what a recipe makes keeps to the policy for customers' services", async (t) => {
    const { host } = await start(t, { 'public/index.html': 'hello' }, { variables: { NOTE: 'x' }, method: 'ai' });
    t.strictSame(await ask(host), { status: 200, text: 'hello' });
  });

  await t.test('a build that fails says what the program said, and nothing is started', async (t) => {
    const { host } = await hostOf(t, {
      'package.json': json({ main: 'x.js', scripts: { build: 'exit 7' } }),
    });
    t.match(await host.deploy(), { state: 'failed', error: { code: 'build_failed', details: /npm run build/ } });
    t.strictSame(await host.containerIds(), {});
  });

  await t.test('what is known but cannot be started says what is missing', async (t) => {
    const { host } = await hostOf(t, { 'package.json': '{}', 'README.md': 'a library' });
    t.match(await host.deploy(), {
      state: 'failed',
      error: { code: 'no_build_recipe', details: /Gemfile \(Ruby\).*Found package.json, but no start script/ },
    });
  });
});
