// What `npm run build` makes, without what it was made of: unpacked where there are no sources and no packages, a control
// plane and an agent run from it.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { RELEASE_FILES } from '#shared/release/manifest.ts';
import { loadTemplates } from '../../control/templates/load.ts';
import { ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { buildRelease, unpackRelease } from '../support/release.ts';
import { startStack } from '../support/stack.ts';

const run = promisify(execFile);

const compose = (name: string) => `services:
  web:
    image: longshore-test/logger:1
    container_name: ${name}
    stop_grace_period: 0s
`;

void t.test('a control plane and an agent run from a release alone', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const built = await buildRelease();
  const release = await unpackRelease(t, built);
  const name = uniqueProject(t, 'release');
  const stack = await startStack({ release, controlEnv: { LONGSHORE_DIST_DIR: built.dir } });
  t.teardown(() => stack.stop());
  const { api } = stack;
  const env = { PATH: '/usr/bin:/bin', LONGSHORE_URL: api.url, LONGSHORE_API_KEY: api.key };
  const longshore = async (...args: string[]) =>
    (await run(join(release, 'bin/longshore'), args, { env, cwd: '/' })).stdout;

  await t.test('its programs say its version', async (t) => {
    t.equal(await longshore('--version'), `${built.manifest.version}\n`);
    t.match(JSON.parse(await longshore('hosts', 'list', '--json')), {
      data: [{ facts: { agent_version: built.manifest.version } }],
    });
  });

  await t.test('a service is deployed, found in the logs by the thread that searches, and removed', async (t) => {
    const created = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
      name,
      deploy_method: 'compose',
      compose: compose(name),
    });
    t.match(await api.jobEnd(created.body.deploy_job_id), { state: 'succeeded' });
    const search = () => api.get<{ matches: unknown[]; complete: boolean }>(`/api/logs/search?q=line`);
    const { body } = await eventually(search, { until: (answer) => (answer.body.matches ?? []).length > 0 });
    t.equal(body.complete, true);
    t.equal((await api.delete(`/api/services/${created.body.id}`)).status, 204);
  });

  await t.test('the catalogue came along', async (t) => {
    const { body } = await api.get<{ total: number }>('/api/templates?per_page=1');
    t.equal(body.total, loadTemplates().size);
  });

  await t.test('it gives itself to the next host', async (t) => {
    const [file] = built.manifest.files;
    const answer = await fetch(`${api.url}/dist/${file?.name}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    t.equal(createHash('sha256').update(bytes).digest('hex'), file?.sha256);
    const script = await (await fetch(`${api.url}/install.sh`)).text();
    t.equal(script, readFileSync(join(built.dir, RELEASE_FILES.installer), 'utf8'));
  });

  await t.test('nothing of it looks for packages that are not there', async (t) => {
    const importing = /(?:^|[;\n])\s*import\s*(?:[\w$*{][^'"\n]*from\s*)?["']([^."'][^"']*)["']/g;
    const modules = globSync(join(release, 'lib/*.mjs'));
    const found = modules.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(importing)].map(([, it]) => it));
    t.ok(found.length > 0);
    t.same(
      [...new Set(found)].filter((it) => !it?.startsWith('node:') && !process.getBuiltinModule(it ?? '')),
      [],
    );
  });
});
