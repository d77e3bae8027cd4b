// Services that come from a Git repository, on the real engine with real repositories.
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fetchCommit } from '../../agent/deploy/git/fetch-commit.ts';
import { composeForDockerfile } from '../../agent/deploy/git/repository.ts';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { reapOrphans, RUN_VARIABLE } from '../../agent/docker/orphan.ts';
import { retried } from '../../agent/deploy/task.ts';
import type { StepUpdate } from '../../agent/deploy/job-run.ts';
import { makeShims } from '../support/argv-shims.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { docker, requireDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import { makeFolder } from '../support/folder.ts';
import { GitRepository } from '../support/git-repository.ts';

const COMPOSE = (greeting: string) => `services:
  web:
    image: longshore-test/web:1
    environment: { GREETING: "${greeting}" }
  other:
    image: longshore-test/web:1
`;
const BINDS = (tag: number) => `services:
  web:
    image: longshore-test/web:${tag}
    stop_grace_period: 0s
    volumes: ["./conf:/conf:ro", "./data:/data"]
`;
const DOCKERFILE = 'FROM longshore-test/web:1\nCOPY greeting.txt /greeting.txt\nEXPOSE 80\n';

async function start(t: Test, files: Record<string, string>): Promise<{ host: DeployHost; repository: GitRepository }> {
  const repository = await GitRepository.create(t, files);
  const git = { url: repository.url, branch: null };
  return { repository, host: await startDeployHost(t, 'git', { method: 'git', git }) };
}

const AGAIN = { kind: 'redeploy', pull: 'missing' } as const;

const inWeb = async ({ engine, spec }: DeployHost, ...command: string[]): Promise<string> => {
  const web = (await engine.listProject(spec.name)).find(({ service }) => service === 'web');
  return (await docker(['exec', web?.id ?? '', ...command])).trim();
};

const fetchFrom = (t: Test, url: string, more: Partial<Parameters<typeof fetchCommit>[0]> = {}) => {
  const home = makeFolder(t, 'git');
  return fetchCommit({
    source: { url, branch: null },
    directory: join(home, 'repo'),
    isStranger: false,
    allowsFiles: true,
    home,
    keyFolder: join(home, 'logins'),
    knownHostsFile: join(home, 'known_hosts'),
    searchPath: SYSTEM_PATH,
    signal: new AbortController().signal,
    onLine: () => undefined,
    ...more,
  });
};

void t.test('deploys from Git', async (t) => {
  if (!(await requireDocker(t))) return;

  await t.test(
    "the repository's compose file is deployed, and a new commit recreates only what it changed",
    async (t) => {
      const { host, repository } = await start(t, { 'compose.yaml': COMPOSE('one') });
      t.match(await host.deploy(), { state: 'succeeded' });
      const before = await host.containerIds();
      await repository.commit({ 'compose.yaml': COMPOSE('two') });
      const steps = new StepLog();
      t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing', steps }), { state: 'succeeded' });
      const after = await host.containerIds();
      t.not(after['web'], before['web']);
      t.equal(after['other'], before['other']);
      t.ok(steps.said.some((line) => /^prepare: commit [0-9a-f]{12}, deploying its compose.yaml$/.test(line)));
    },
  );

  await t.test('the same commit again changes nothing and says so', async (t) => {
    const { host } = await start(t, { 'docker-compose.yml': COMPOSE('one') });
    await host.deploy();
    const before = await host.containerIds();
    t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing' }), { state: 'succeeded', unchanged: true });
    t.strictSame(await host.containerIds(), before);
  });

  await t.test('a Dockerfile alone is built and its port published; the same commit keeps the container', async (t) => {
    const { host, repository } = await start(t, { Dockerfile: DOCKERFILE, 'greeting.txt': 'hello\n' });
    t.match(await host.deploy(), { state: 'succeeded' });
    const [container] = await host.engine.listProject(host.spec.name);
    t.match(container, { service: 'app', ports: [{ container: 80 }] });
    await host.deploy({}, { kind: 'redeploy', pull: 'missing' });
    t.equal((await host.containerIds())['app'], container?.id, 'the build was taken from the cache');
    await repository.commit({ 'greeting.txt': 'again\n' });
    t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing' }), { state: 'succeeded' });
    t.not((await host.containerIds())['app'], container?.id);
  });

  await t.test(
    "a Dockerfile's container gets the service's own variables, and no shared one that nobody named",
    async (t) => {
      const { host } = await start(t, { Dockerfile: 'FROM longshore-test/web:1\n' });
      const variables = { OWN: 'mine', SHARED: 'of-all' };
      t.match(await host.deploy({ variables, offeredNames: ['SHARED'] }), { state: 'succeeded' });
      const [container] = await host.engine.listProject(host.spec.name);
      const environment = await docker(['exec', container?.id ?? '', 'env']);
      t.match(environment, 'OWN=mine');
      t.notMatch(environment, 'SHARED');
    },
  );

  await t.test('a redeploy without a new commit changes nothing, with submodules as well', async (t) => {
    const library = await GitRepository.create(t, { 'index.html': 'one' });
    const compose =
      'services: {web: {image: "longshore-test/web:1", stop_grace_period: 0s, volumes: ["../lib:/lib:ro"]}}';
    const { host, repository } = await start(t, { 'web/compose.yaml': compose });
    const commit = await library.git('rev-parse', 'HEAD');
    await repository.commitSubmodule('lib', commit, `[submodule "lib"]\n\tpath = lib\n\turl = ${library.url}\n`);
    const git = { url: repository.url, branch: null, path: 'web', submodules: true };
    t.match(await host.deploy({ git }), { state: 'succeeded' });
    t.equal(await inWeb(host, 'cat', '/lib/index.html'), 'one');
    const before = await host.containerIds();
    t.match(await host.deploy({}, AGAIN), { state: 'succeeded', unchanged: true });
    t.match(await host.plan(), { services: [{ action: 'keep' }] });
    t.strictSame(await host.containerIds(), before);
  });

  await t.test('a broken commit leaves the running one', async (t) => {
    const { host, repository } = await start(t, { 'compose.yaml': COMPOSE('one') });
    await host.deploy();
    const before = await host.containerIds();
    await repository.commit({ 'compose.yaml': 'services:\n  web:\n    imag: x\n' });
    t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing' }), {
      state: 'failed',
      error: { code: 'compose_invalid' },
    });
    t.strictSame(await host.containerIds(), before);
  });

  await t.test('what containers write beside the files of a commit outlives the commit', async (t) => {
    const { host, repository } = await start(t, { 'compose.yaml': BINDS(1), 'conf/a.txt': 'one' });
    t.match(await host.deploy(), { state: 'succeeded' });
    await inWeb(host, 'sh', '-c', 'echo precious > /data/db');
    await repository.commit({ 'conf/a.txt': 'two' });
    t.match(await host.deploy({}, AGAIN), { state: 'succeeded', plan: [{ action: 'recreate' }] });
    t.equal(await inWeb(host, 'cat', '/data/db'), 'precious');
    t.equal(await inWeb(host, 'cat', '/conf/a.txt'), 'two', 'a commit brings its own files');
    t.equal(readFileSync(join(host.folder, 'data/data/db'), 'utf8'), 'precious\n');
  });

  await t.test('containers keep the files of their commit while the next one fails, and get them back', async (t) => {
    const { host, repository } = await start(t, { 'compose.yaml': BINDS(1), 'conf/a.txt': 'one' });
    await host.deploy({ healthTimeoutS: 5 });
    const before = await host.containerIds();
    await repository.commit({
      'compose.yaml': 'services: {web: {image: longshore-test/nowhere:1}}',
      'conf/a.txt': '2',
    });
    t.match(await host.deploy({}, { ...AGAIN, pull: 'never' }), { state: 'failed' });
    t.strictSame(await host.containerIds(), before);
    t.equal(await inWeb(host, 'cat', '/conf/a.txt'), 'one', 'while another commit is being looked at');
    const crashing = BINDS(1).replace('web:1', 'crash:1');
    await repository.commit({ 'compose.yaml': crashing, 'conf/a.txt': '3' });
    t.match(await host.deploy({}, AGAIN), { state: 'failed', rolledBackTo: 1 });
    t.equal(await inWeb(host, 'cat', '/conf/a.txt'), 'one', 'after a rollback');
  });

  await t.test('a config that comes with a commit makes a new container with a new commit', async (t) => {
    const compose = `services:
  web: {image: "longshore-test/web:1", stop_grace_period: 0s, configs: [{source: app, target: /app.conf}]}
configs: {app: {file: ./app.conf}}
`;
    const { host, repository } = await start(t, { 'compose.yaml': compose, 'app.conf': 'one' });
    await host.deploy();
    await repository.commit({ 'app.conf': 'two' });
    t.match(await host.deploy({}, AGAIN), { state: 'succeeded' });
    t.equal(await inWeb(host, 'cat', '/app.conf'), 'two');
  });

  await t.test('commits that nothing is made from any more are dropped', async (t) => {
    const { host, repository } = await start(t, { 'compose.yaml': COMPOSE('one') });
    for (let n = 0; n < 7; n++) {
      await repository.commit({ 'a.txt': String(n) });
      t.match(await host.deploy({}, AGAIN), { state: 'succeeded' });
    }
    t.equal(readdirSync(join(host.folder, 'repo')).length, 6, 'of five revisions, and the one just fetched');
    await host.run({ kind: 'remove' });
    t.notOk(existsSync(host.folder));
  });

  await t.test('a repository that tells nothing fails by saying what was looked for', async (t) => {
    const { host } = await start(t, { 'README.md': 'hello' });
    t.match(await host.deploy(), {
      state: 'failed',
      error: { code: 'no_build_recipe', details: /compose.yaml.*Dockerfile/ },
    });
  });

  await t.test(
    'a folder of the repository is deployed: it reaches up to the top, and its data outlives commits',
    async (t) => {
      const compose = `services:
  web: {image: "longshore-test/web:1", stop_grace_period: 0s, volumes: ["../conf:/conf:ro", "./data:/data"]}
  other:
    stop_grace_period: 0s
    build: {context: .., dockerfile: web/Dockerfile}
`;
      const files = { 'apps/web/compose.yaml': compose, 'apps/conf/a.txt': 'one', 'compose.yaml': 'not: this one' };
      const { host, repository } = await start(t, {
        ...files,
        'apps/web/Dockerfile': DOCKERFILE,
        'apps/greeting.txt': '',
      });
      const git = { url: repository.url, branch: null, path: 'apps/web' };
      const steps = new StepLog();
      t.match(await host.deploy({ git }, { steps }), { state: 'succeeded' });
      t.ok(steps.said.some((line) => line.endsWith('deploying its compose.yaml in apps/web')));
      await inWeb(host, 'sh', '-c', 'echo precious > /data/db');
      const before = await host.containerIds();
      t.match(await host.deploy({}, AGAIN), { state: 'succeeded', unchanged: true });
      t.strictSame(await host.containerIds(), before);
      t.match(await host.plan(), { services: [{ action: 'keep' }, { action: 'keep' }], findings: [] });
      await repository.commit({ 'apps/conf/a.txt': 'two' });
      t.match(await host.deploy({}, AGAIN), { state: 'succeeded' });
      t.equal(await inWeb(host, 'cat', '/conf/a.txt', '/data/db'), 'two\nprecious'.replace('\n', ''));
      t.equal(readFileSync(join(host.folder, 'data/apps/web/data/db'), 'utf8'), 'precious\n');
      t.match(await host.deploy({ git: { ...git, path: 'apps/nowhere' } }), {
        state: 'failed',
        error: { code: 'validation_error', fields: { git_path: /no folder of the commit/ } },
      });
    },
  );

  await t.test("A39: a customer's repository is held to the policy for customers, and may not be a file", async (t) => {
    const { host } = await start(t, { 'compose.yaml': COMPOSE('one') });
    t.match(await host.deploy({ customerId: 'cust_1' }), { state: 'failed', error: { code: 'unsafe_git_url' } });
  });
});

void t.test('fetching', async (t) => {
  await t.test('a branch is fetched by name; one that is not there is named', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'main' });
    await repository.git('checkout', '--quiet', '-b', 'next');
    const commit = await repository.commit({ 'a.txt': 'next' });
    const directory = join(makeFolder(t, 'git'), 'repo');
    const fetched = await fetchFrom(t, repository.url, { directory, source: { url: repository.url, branch: 'next' } });
    t.match(fetched, { commit, directory: join(directory, commit) });
    t.strictSame(readdirSync(fetched.directory), ['a.txt'], "nothing of git's own");
    t.equal(readFileSync(join(fetched.directory, 'a.txt'), 'utf8'), 'next');
    const missing = { url: repository.url, branch: 'nowhere' };
    await t.rejects(fetchFrom(t, repository.url, { source: missing }), { code: 'git_failed', details: /nowhere/ });
  });

  await t.test('A53: links come as text, hooks do not run', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await repository.commitLink('compose.yaml', '/etc/shadow');
    const { directory } = await fetchFrom(t, repository.url);
    t.notOk(lstatSync(join(directory, 'compose.yaml')).isSymbolicLink());
    t.equal(readFileSync(join(directory, 'compose.yaml'), 'utf8'), '/etc/shadow');
  });

  await t.test('A53: a repository beyond the limits is refused before its files are written', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a', 'b.txt': 'b'.repeat(2_000_000) });
    const directory = join(makeFolder(t, 'git'), 'repo');
    const fetch = (files: number, bytes: number) =>
      fetchFrom(t, repository.url, { directory, limits: { files, bytes } });
    await t.rejects(fetch(1, 4_000_000), { code: 'repo_limit', details: 'more than 1 files' });
    await t.rejects(fetch(9, 1_000_000), { code: 'repo_limit', details: 'more than 1000000 bytes' });
    t.strictSame(readdirSync(directory), [], 'nothing is left of it');
    await t.resolves(fetch(2, 2_000_001));
  });

  await t.test('A53: a pack beyond the limit is cut off while it comes', async (t) => {
    const repository = await GitRepository.create(t, { 'a.bin': randomBytes(3_000_000).toString('base64') });
    const limits = { files: 9, bytes: 1_000_000 };
    await t.rejects(fetchFrom(t, repository.url, { limits }), { code: 'repo_limit', details: /disk or memory/ });
  });

  await t.test('A53: trees within trees that name a billion files are refused while they are counted', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await repository.commitTreeBomb(10, 9);
    const before = process.memoryUsage.rss();
    t.equal(await faultCode(fetchFrom(t, repository.url)), 'repo_limit');
    t.ok(process.memoryUsage.rss() - before < 200 * 1024 ** 2);
  });

  await t.test('files have the modes that git knows, whatever the umask of the agent is', async (t) => {
    const repository = await GitRepository.create(t, { 'bin/run': '#!/bin/sh\n', 'a.txt': 'a' });
    const umask = process.umask(0o077);
    t.teardown(() => process.umask(umask));
    const { directory } = await fetchFrom(t, repository.url);
    const mode = (path: string) => (statSync(join(directory, path)).mode & 0o777).toString(8);
    t.strictSame(['', 'bin', 'bin/run', 'a.txt'].map(mode), ['755', '755', '755', '644']);
  });

  await t.test('A49: transports that run commands or read files are refused before git starts', async (t) => {
    for (const url of [
      'ext::sh -c id',
      'fd::17',
      '/etc',
      'git://example.com/x',
      'http://example.com/x',
      '--upload-pack=id',
    ])
      t.equal(await faultCode(fetchFrom(t, url)), 'unsafe_git_url', url);
    t.equal(await faultCode(fetchFrom(t, 'file:///etc', { allowsFiles: false })), 'unsafe_git_url');
  });

  await t.test(
    "a stranger's repository is neither on a private address nor fetched with keys of the host",
    async (t) => {
      for (const url of ['https://127.0.0.1/x.git', 'https://[::ffff:10.0.0.1]/x.git', 'https://localhost/x.git'])
        t.equal(await faultCode(fetchFrom(t, url, { isStranger: true })), 'egress_denied', url);
      const missing = { code: 'git_failed', details: /takes a deploy key/ };
      await t.rejects(fetchFrom(t, 'git@example.com:a/b.git', { isStranger: true }), missing);
    },
  );

  await t.test('a fetch that is called off in the middle ends with all its processes and leaves nothing', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await repository.makeHang();
    const directory = join(makeFolder(t, 'git'), 'repo');
    const abort = new AbortController();
    const fetching = fetchFrom(t, repository.url, { directory, signal: abort.signal });
    fetching.catch(() => undefined);
    await eventually(() => countRuns(directory), { until: (count) => count > 1 });
    abort.abort(new Error('called off'));
    await t.rejects(fetching, /called off/);
    await eventually(() => countRuns(directory), { until: (count) => count === 0 });
    t.strictSame(readdirSync(directory), []);
  });

  await t.test('F03: a git that somebody kills says so, and a deploy runs it again', async (t) => {
    if (!(await requireDocker(t))) return;
    const { host, repository } = await start(t, { 'compose.yaml': COMPOSE('one') });
    await repository.makeHang();
    const steps = new StepLog();
    const deploying = host.deploy({}, { steps });
    const directory = join(host.folder, 'repo');
    await eventually(() => countRuns(directory), { until: (count) => count > 1 });
    repository.unhang();
    await reapOrphans(directory);
    t.match(await deploying, { state: 'succeeded' });
    t.ok(steps.said.includes('prepare: git was killed; running it again'));
  });

  await t.test('F03: a git that is killed each time is run three times, and then given up', async (t) => {
    const shims = makeShims(t, {});
    const suicide = `#!${process.execPath}\nrequire('node:fs').appendFileSync('${shims.file('runs')}', 'x');process.kill(process.pid, 'SIGKILL');`;
    writeFileSync(shims.file('git'), suicide, { mode: 0o755 });
    const said: string[] = [];
    const say = ({ message = '' }: StepUpdate) => said.push(message);
    const fetching = retried(say, () => fetchFrom(t, 'file:///nowhere', { searchPath: shims.searchPath }));
    t.equal(await faultCode(fetching), 'interrupted');
    t.equal(readFileSync(shims.file('runs'), 'utf8').length, 3);
    t.strictSame(
      said,
      Array.from({ length: 2 }, () => 'git was killed; running it again'),
    );
  });

  await t.test('F51: a git that hangs is ended at its deadline, with all its processes', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await repository.makeHang();
    const directory = join(makeFolder(t, 'git'), 'repo');
    const fetching = fetchFrom(t, repository.url, { directory, deadlineMs: 300 });
    t.equal(await faultCode(fetching), 'timed_out');
    await eventually(() => countRuns(directory), { until: (count) => count === 0 });
    t.strictSame(readdirSync(directory), []);
  });

  await t.test('F02: what a killed agent left of git is ended before the next try', async (t) => {
    if (!(await requireDocker(t))) return;
    const { host, repository } = await start(t, { 'compose.yaml': COMPOSE('one') });
    await repository.makeHang();
    const directory = join(host.folder, 'repo');
    const left = faultCode(fetchFrom(t, repository.url, { directory }));
    await eventually(() => countRuns(directory), { until: (count) => count > 1 });
    repository.unhang();
    t.match(await host.deploy(), { state: 'succeeded' });
    t.equal(await left, 'interrupted');
  });
});

/** Processes of ours that work on this folder. */
const countRuns = async (directory: string): Promise<number> => {
  const mark = `\0${RUN_VARIABLE}=${directory}\0`;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')));
  return texts.filter((text) => `\0${text}\0`.includes(mark)).length;
};

t.test('the port a Dockerfile exposes is published, where Docker finds one free', async (t) => {
  t.match(composeForDockerfile('FROM x\nEXPOSE 3000/tcp\n'), /ports:\n +- "3000"/);
  t.notMatch(composeForDockerfile('FROM x\n'), /ports/);
});
