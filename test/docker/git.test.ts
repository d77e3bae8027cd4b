// Services that come from a Git repository, on the real engine with real repositories.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fetchCommit, requireWithinLimits, REPO_LIMITS } from '../../agent/deploy/git.ts';
import { composeForDockerfile } from '../../agent/deploy/repository.ts';
import { startDeployHost, StepLog, type DeployHost } from '../support/deploy-host.ts';
import { requireDocker } from '../support/docker.ts';
import { faultCode } from '../support/fault-code.ts';
import { GitRepository } from '../support/git-repository.ts';

const COMPOSE = (greeting: string) => `services:
  web:
    image: longshore-test/web:1
    environment: { GREETING: "${greeting}" }
  other:
    image: longshore-test/web:1
`;
const DOCKERFILE = 'FROM longshore-test/web:1\nCOPY greeting.txt /greeting.txt\nEXPOSE 80\n';

async function start(t: Test, files: Record<string, string>): Promise<{ host: DeployHost; repository: GitRepository }> {
  const repository = await GitRepository.create(t, files);
  const git = { url: repository.url, branch: null };
  return { repository, host: await startDeployHost(t, 'git', { method: 'git', git }) };
}

const fetchFrom = (t: Test, url: string, more: Partial<Parameters<typeof fetchCommit>[0]> = {}) =>
  fetchCommit({
    source: { url, branch: null },
    directory: join(t.testdir(), 'repo'),
    isStranger: false,
    allowsFiles: true,
    home: t.testdirName,
    signal: new AbortController().signal,
    onLine: () => undefined,
    ...more,
  });

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

  await t.test('a repository that tells nothing fails by saying what was looked for', async (t) => {
    const { host } = await start(t, { 'README.md': 'hello' });
    t.match(await host.deploy(), {
      state: 'failed',
      error: { code: 'no_build_recipe', details: /compose.yaml.*Dockerfile/ },
    });
  });

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
    const directory = join(t.testdir(), 'repo');
    t.equal(await fetchFrom(t, repository.url, { directory, source: { url: repository.url, branch: 'next' } }), commit);
    t.equal(readFileSync(join(directory, 'a.txt'), 'utf8'), 'next');
    t.notOk(existsSync(join(directory, '.git')));
    const missing = { url: repository.url, branch: 'nowhere' };
    await t.rejects(fetchFrom(t, repository.url, { source: missing }), { code: 'git_failed', details: /nowhere/ });
  });

  await t.test('A53: links come as text, hooks do not run', async (t) => {
    const root = t.testdir();
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await repository.commitLink('compose.yaml', '/etc/shadow');
    const directory = join(root, 'repo');
    await fetchFrom(t, repository.url, { directory });
    t.notOk(lstatSync(join(directory, 'compose.yaml')).isSymbolicLink());
    t.equal(readFileSync(join(directory, 'compose.yaml'), 'utf8'), '/etc/shadow');
  });

  await t.test('A53: a repository beyond the limits is refused before its files are written', async (t) => {
    t.doesNotThrow(() => requireWithinLimits(['100644 blob abc   12\ta.txt']));
    t.throws(() => requireWithinLimits([`100644 blob abc ${REPO_LIMITS.bytes + 1}\ta.bin`]), { code: 'repo_limit' });
    t.throws(() => requireWithinLimits(Array(REPO_LIMITS.files + 1).fill('100644 blob abc 1\tx')), {
      code: 'repo_limit',
    });
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

  await t.test("a stranger's repository is neither on a private address nor behind ssh", async (t) => {
    for (const url of ['https://127.0.0.1/x.git', 'https://[::ffff:10.0.0.1]/x.git', 'https://localhost/x.git'])
      t.equal(await faultCode(fetchFrom(t, url, { isStranger: true })), 'egress_denied', url);
    t.equal(await faultCode(fetchFrom(t, 'git@example.com:a/b.git', { isStranger: true })), 'unsafe_git_url');
  });

  await t.test('a fetch that is called off ends', async (t) => {
    const repository = await GitRepository.create(t, { 'a.txt': 'a' });
    await t.rejects(fetchFrom(t, repository.url, { signal: AbortSignal.abort(new Error('called off')) }), /called off/);
  });
});

t.test('the port a Dockerfile exposes is published, where Docker finds one free', async (t) => {
  t.match(composeForDockerfile('FROM x\nEXPOSE 3000/tcp\n'), /ports:\n +- "3000"/);
  t.notMatch(composeForDockerfile('FROM x\n'), /ports/);
});
