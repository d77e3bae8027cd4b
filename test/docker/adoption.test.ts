// Taking over what runs already, on a real Docker: a Compose project, and a container of `docker run`. What is the same
// afterwards is checked on Docker itself.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { draftAdoption } from '../../agent/adoption/draft.ts';
import { Discovery } from '../../agent/adoption/discovery.ts';
import type { AdoptionDraft, FoundKind } from '#shared/adoption.ts';
import { DeployHost, specFor, startDeployParts, StepLog } from '../support/deploy-host.ts';
import { docker, ensureImages, missingDocker, uniqueName, uniqueProject } from '../support/docker.ts';
import { makeFolder } from '../support/folder.ts';

const skip = await missingDocker();

const COMPOSE = `
services:
  web:
    image: longshore-test/web:1
    environment: { LEVEL: "\${LEVEL:-info}", PASSWORD: "\${PASSWORD}", PRICE: "5$$" }
    depends_on: [db]
    stop_grace_period: 0s
  db:
    image: busybox:1
    command: sleep 1000
    init: true
    stop_grace_period: 0s
    volumes: ["data:/data", "/scratch"]
volumes: { data: {} }
`;

/** What must not change: each container's id, when it was started, and how often. */
const standing = async (...ids: string[]): Promise<string> =>
  docker(['inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{.State.Pid}}', ...ids.toSorted()]);

interface Stage {
  folder: string;
  project: string;
  /** Everything of the project. */
  ids: () => Promise<string[]>;
}

/** A project that `docker compose` started in a folder of its own. */
async function started(t: Test, compose: string, files: Record<string, string> = {}): Promise<Stage> {
  await ensureImages();
  const project = uniqueProject(t, 'adopt');
  const folder = makeFolder(t, 'adopt');
  for (const [name, text] of Object.entries({ 'compose.yaml': compose, ...files })) {
    writeFileSync(join(folder, name), text);
  }
  await docker(['compose', '-p', project, 'up', '-d'], { cwd: folder });
  const filter = `label=com.docker.compose.project=${project}`;
  const ids = async () => (await docker(['ps', '-aq', '--no-trunc', '--filter', filter])).split('\n');
  return { folder, project, ids };
}

interface Adopted {
  host: DeployHost;
  draft: AdoptionDraft;
}

async function adopted(
  t: Test,
  kind: FoundKind,
  name: string,
  { as = name, mayReadFiles = true }: { as?: string; mayReadFiles?: boolean } = {},
): Promise<Adopted> {
  const deps = await startDeployParts(t);
  const discovery = new Discovery({
    engine: deps.engine,
    services: { names: () => [] },
    edgeProject: 'longshore-edge',
  });
  const question = { kind, name, as, mayReadFiles };
  const draft = await draftAdoption({ ...deps, discovery }, question, new AbortController().signal);
  const host = new DeployHost(deps, specFor(as, { ...draft, revision: 1 }));
  const outcome = await host.run({ kind: 'adopt', adopts: draft.containers });
  t.match(outcome, { state: 'succeeded', goodRevision: 1 });
  return { host, draft };
}

t.test('a Compose project is adopted by its own file, and nothing of it is touched', { skip }, async (t) => {
  const { project, ids } = await started(t, COMPOSE, { '.env': 'PASSWORD=canary-4711\nUNRELATED=other\n' });
  const before = await standing(...(await ids()));
  const { host, draft } = await adopted(t, 'compose', project);
  t.equal(draft.compose, COMPOSE, 'to the byte');
  t.same(draft.variables, { PASSWORD: 'canary-4711' }, 'with the variables it asks for');

  await t.test('its status and its logs are as any service’s', async (t) => {
    t.match(await host.executor.observe(host.spec, 'running'), {
      lifecycle: 'running',
      health: 'healthy',
      containers: [{ service: 'db' }, { service: 'web' }],
    });
  });

  await t.test('deploying it again changes nothing', async (t) => {
    t.match(await host.run(), { state: 'succeeded', unchanged: true });
    t.match(await host.run({ kind: 'redeploy', pull: 'missing' }), { state: 'succeeded', unchanged: true });
    t.match(await host.deploy(), { state: 'succeeded', unchanged: true });
    t.equal(await standing(...(await ids())), before);
  });

  await t.test('a change makes the container anew that it concerns, and leaves the other as it was', async (t) => {
    const { db = '' } = await host.containerIds();
    const kept = await standing(db);
    await docker(['exec', db, 'sh', '-c', 'echo kept >/data/file']);
    const outcome = await host.deploy({ variables: { PASSWORD: 'canary-4711', LEVEL: 'debug' } });
    t.match(outcome, {
      state: 'succeeded',
      plan: [
        { service: 'db', action: 'keep' },
        { service: 'web', action: 'recreate', reason: 'environment LEVEL changed' },
      ],
    });
    t.equal(await standing(db), kept);
    const { web = '' } = await host.containerIds();
    t.match(await docker(['inspect', '--format', '{{.Config.Env}}', web]), /LEVEL=debug/);
    t.match(await docker(['inspect', '--format', '{{.Config.Labels}}', web]), host.spec.id);
    t.match(await host.run(), { state: 'succeeded', unchanged: true });
  });

  await t.test('its database is stopped, started and at last made anew with all its data', async (t) => {
    const { db = '' } = await host.containerIds();
    await docker(['exec', db, 'sh', '-c', 'echo kept >/scratch/file']);
    t.match(await host.run({ kind: 'stop' }), { state: 'succeeded' });
    t.match(await host.run({ kind: 'start' }), { state: 'succeeded' });
    t.equal((await host.containerIds())['db'], db, 'the same container');
    await host.deploy({ compose: COMPOSE.replace('sleep 1000', 'sleep 2000') });
    const now = (await host.containerIds())['db'] ?? '';
    t.not(now, db);
    t.equal(await docker(['exec', now, 'cat', '/data/file', '/scratch/file']), 'kept\nkept');
  });

  await t.test('and goes back to what was adopted', async (t) => {
    t.match(await host.rollBack(1, { compose: draft.compose, variables: draft.variables }), { state: 'succeeded' });
    const { web = '', db = '' } = await host.containerIds();
    t.match(await docker(['inspect', '--format', '{{.Config.Env}}', web]), /LEVEL=info/);
    t.match(await docker(['inspect', '--format', '{{.Config.Cmd}}', db]), /1000/);
  });

  await t.test('removing it takes all of the project', async (t) => {
    t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' });
    const filter = `label=com.docker.compose.project=${project}`;
    t.equal(await docker(['ps', '-aq', '--filter', filter]), '');
    t.equal(await docker(['volume', 'ls', '-q', '--filter', filter]), '');
    t.equal(await docker(['network', 'ls', '-q', '--filter', filter]), '');
  });
});

t.test('files that mean something else elsewhere are taken as Compose reads them', { skip }, async (t) => {
  const compose = 'services: {web: {image: "longshore-test/web:1", volumes: ["./site:/site"], env_file: [more.env]}}\n';
  const { project, folder, ids } = await started(t, compose, { 'more.env': 'API_TOKEN=canary-4712\nLEVEL=a$$b\n' });
  const before = await standing(...(await ids()));
  const { host, draft } = await adopted(t, 'compose', project);
  t.match(draft.compose, `${folder}/site`);
  t.match(draft.compose, 'create_host_path', 'what only Compose says, no container');
  t.match(draft.compose, '${API_TOKEN}');
  t.same(draft.variables, { API_TOKEN: 'canary-4712' }, 'secrets are variables');
  t.match(await host.run(), { unchanged: true });
  t.equal(await standing(...(await ids())), before);
});

t.test('without its files a project is written down from its containers', { skip }, async (t) => {
  const compose = COMPOSE.replace('web:\n', 'web:\n    scale: 2\n').replace(
    'volumes: { data: {} }',
    'volumes: { data: { labels: { tier: gold } } }',
  );
  const { project, folder, ids } = await started(t, compose, { '.env': 'PASSWORD=can$$ary\n' });
  rmSync(folder, { recursive: true });
  const before = await standing(...(await ids()));
  const { host, draft } = await adopted(t, 'compose', project, { mayReadFiles: false });
  t.match(draft.variables, { PASSWORD: /^can\$+ary$/ });
  t.equal(draft.containers.length, 3);
  t.match(await host.run({ kind: 'redeploy', pull: 'missing' }), { unchanged: true });
  t.match(await host.plan({}, { pull: 'never' }), {
    services: [
      { service: 'db', action: 'keep' },
      { service: 'web', action: 'keep' },
    ],
  });
  t.equal(await standing(...(await ids())), before);
  await host.deploy({ compose: draft.compose.replace('sleep', 'sleep ').replace('scale: 2', 'scale: 1') });
  t.equal((await ids()).length, 2, 'one web, one db');
  t.match(
    await docker(['inspect', '--format', '{{.Config.Labels}}', (await host.containerIds())['web'] ?? '']),
    host.spec.id,
  );
});

t.test('a container of docker run is adopted, and replaced with its data when it changes', { skip }, async (t) => {
  await ensureImages();
  const name = uniqueProject(t, 'adopt');
  const volume = uniqueName('adopt');
  t.teardown(() => docker(['volume', 'rm', '-f', volume]));
  const network = uniqueName('adopt');
  t.teardown(() => docker(['network', 'rm', network]));
  await docker(['network', 'create', network]);
  const mounts = ['-v', `${volume}:/data`, '-v', '/scratch'];
  const options = ['--init', '--network', network, '-p', '127.0.0.1::8080', '-e', 'DB_PASS=canary-9', ...mounts];
  const id = await docker(['run', '-d', '--name', name, ...options, 'busybox:1', 'sleep', '1000']);
  t.teardown(() => docker(['rm', '-fv', name]).catch(() => undefined));
  await docker(['exec', id, 'sh', '-c', 'echo kept >/data/file; echo kept >/scratch/file']);
  const nameOf = '{{range .Mounts}}{{if eq .Destination "/scratch"}}{{.Name}}{{end}}{{end}}';
  const anonymous = await docker(['inspect', '--format', nameOf, id]);
  t.teardown(() => docker(['volume', 'rm', '-f', anonymous]));
  const before = await standing(id);
  const { host, draft } = await adopted(t, 'container', name);
  t.same(draft.variables, { DB_PASS: 'canary-9' });
  t.equal(await standing(id), before);
  t.match(await host.run(), { unchanged: true });
  t.match(await host.executor.observe(host.spec, 'running'), { lifecycle: 'running', containers: [{ id, name }] });
  t.match(await host.run({ kind: 'restart' }), { state: 'succeeded' });
  t.match(await host.containerIds(), { [name]: id });

  const outcome = await host.deploy({ compose: draft.compose.replace('1000', '2000') });
  t.match(outcome, { state: 'succeeded', plan: [{ action: 'recreate', reason: 'command changed' }] });
  const now = (await host.containerIds())[name] ?? '';
  t.not(now, id);
  t.equal(await docker(['exec', now, 'cat', '/data/file', '/scratch/file']), 'kept\nkept');
  t.equal(await docker(['inspect', '--format', '{{.Name}}', now]), `/${name}`, 'by the name it had');

  t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' });
  t.match(await docker(['volume', 'inspect', volume, anonymous]), volume, 'volumes that were there before stay');
  t.match(await docker(['network', 'inspect', network]), network);
});

t.test('labels that name what is no file are not followed', { skip }, async (t) => {
  const deps = await startDeployParts(t);
  const name = uniqueProject(t, 'adopt');
  const folder = makeFolder(t, 'adopt');
  const told = {
    project: name,
    service: 'web',
    'config-hash': 'abc',
    'project.working_dir': folder,
    'project.config_files': '/dev/zero',
  };
  const labels = Object.entries(told).flatMap(([key, value]) => ['--label', `com.docker.compose.${key}=${value}`]);
  const id = await docker(['create', ...labels, 'busybox:1']);
  t.teardown(() => docker(['rm', id]));
  const discovery = new Discovery({
    engine: deps.engine,
    services: { names: () => [] },
    edgeProject: 'longshore-edge',
  });
  const question = { kind: 'compose', name, as: name, mayReadFiles: true } as const;
  const draft = await draftAdoption({ ...deps, discovery }, question, new AbortController().signal);
  t.match(draft.compose, /image: busybox:1/, 'written down from the container');
});

t.test('what is gone before the host gets to it fails, and leaves nothing on the host', { skip }, async (t) => {
  const deps = await startDeployParts(t);
  const name = uniqueProject(t, 'adopt');
  const id = await docker(['create', '--name', name, 'busybox:1']);
  const discovery = new Discovery({
    engine: deps.engine,
    services: { names: () => [] },
    edgeProject: 'longshore-edge',
  });
  const question = { kind: 'container', name, as: name, mayReadFiles: true } as const;
  const draft = await draftAdoption({ ...deps, discovery }, question, new AbortController().signal);
  await docker(['rm', id]);
  const host = new DeployHost(deps, specFor(name, { ...draft, revision: 1 }));
  t.match(await host.run({ kind: 'adopt', adopts: draft.containers }), {
    state: 'failed',
    error: { code: 'state_conflict' },
    goodRevision: null,
  });
  t.throws(() => rmSync(host.folder, { recursive: true }), { code: 'ENOENT' });
});

t.test('an adoption that is cut off at any step is done when it is run again', { skip }, async (t) => {
  const deps = await startDeployParts(t);
  const name = uniqueProject(t, 'adopt');
  t.teardown(() => docker(['rm', '-f', name]));
  await docker(['create', '--name', name, '-v', '/scratch', 'busybox:1']);
  const anonymous = await docker(['inspect', '--format', '{{(index .Mounts 0).Name}}', name]);
  t.teardown(() => docker(['volume', 'rm', '-f', anonymous]));
  const discovery = new Discovery({
    engine: deps.engine,
    services: { names: () => [] },
    edgeProject: 'longshore-edge',
  });
  const question = { kind: 'container', name, as: name, mayReadFiles: true } as const;
  const draft = await draftAdoption({ ...deps, discovery }, question, new AbortController().signal);
  const host = new DeployHost(deps, specFor(name, { ...draft, revision: 1 }));
  for (const last of ['check', 'prepare', 'normalise', 'record']) {
    const [stop, steps] = [new AbortController(), new StepLog()];
    steps.onStep = (step) => step === last && stop.abort(new DOMException('killed', 'AbortError'));
    const cut = { kind: 'adopt', adopts: draft.containers, steps, signal: stop.signal } as const;
    if (last === 'record') t.match(await host.run(cut), { state: 'succeeded' }, 'it is all or nothing by then');
    else await t.rejects(host.run(cut), { name: 'AbortError' });
  }
  t.match(await host.run({ kind: 'adopt', adopts: draft.containers }), { state: 'succeeded', goodRevision: 1 });
  t.match(await host.executor.observe(host.spec, 'stopped'), { lifecycle: 'stopped', containers: [{ name }] });

  t.match(await host.run({ kind: 'remove' }), { state: 'succeeded' });
  t.equal(await docker(['ps', '-aq', '--filter', `name=${name}`]), '');
  t.match(await docker(['volume', 'inspect', anonymous]), anonymous, 'a volume that was there before stays');
});
