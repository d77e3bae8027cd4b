// How git, ssh and Compose are called in real deploys of hostile names: written down by shims that stand in their places.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createCompose, findComposePlugin } from '../../agent/docker/compose.ts';
import { isByShell, makeShims, misplaced } from '../support/argv-shims.ts';
import { watchArgv } from '../support/argv-watch.ts';
import { DeployHost, SOCKET, specFor, startDeployParts } from '../support/deploy-host.ts';
import { requireDocker, uniqueProject } from '../support/docker.ts';
import { GitRepository } from '../support/git-repository.ts';
import { makeKey, serveGitBySsh } from '../support/git-ssh-server.ts';

const BRANCH = 'x/;touch-ran|--upload-pack=touch';
const FOLDER = 'apps/a \'b" --privileged;touch ran';
const SECRET = '--privileged $(touch ran); `touch ran`';
const COMPOSE = `services:
  web:
    build: .
    stop_grace_period: 0s
    environment: { SECRET: "\${SECRET}" }
`;

void t.test('A50: no byte of a user stands where an option or a command could, and no shell runs', async (t) => {
  if (!(await requireDocker(t))) return;
  const parts = await startDeployParts(t);
  const { dataDir } = parts;
  const shims = makeShims(t, {
    git: 'git',
    ssh: 'ssh',
    'docker-compose': findComposePlugin(dataDir) ?? 'docker-compose',
  });
  const docker = { socketPath: SOCKET, home: dataDir, loginDir: join(dataDir, 'logins') };
  const compose = createCompose({ ...docker, binary: shims.file('docker-compose') });
  const repository = await GitRepository.create(t, {
    [`${FOLDER}/compose.yaml`]: COMPOSE,
    [`${FOLDER}/Dockerfile`]: 'FROM longshore-test/web:1\n',
  });
  await repository.git('checkout', '--quiet', '-b', BRANCH);
  const key = makeKey(t);
  const server = await serveGitBySsh(t, repository, { hostKey: makeKey(t), authorized: [key] });
  const watch = watchArgv();
  t.teardown(() => watch.stop());
  const git = { url: `${server.url}?;touch=ran`, branch: BRANCH, path: FOLDER, deployKey: key.privateKey };
  const name = uniqueProject(t, 'argv');
  const spec = specFor(name, { method: 'git', git, variables: { SECRET } });
  const host = new DeployHost({ ...parts, compose, searchPath: shims.searchPath }, spec);
  t.match(await host.deploy(), { state: 'succeeded' });
  t.match(await host.deploy({}, { kind: 'redeploy', pull: 'missing' }), { state: 'succeeded', unchanged: true });
  watch.stop();
  const calls = shims.calls();
  for (const program of ['git', 'ssh', 'docker-compose'])
    t.ok(calls.filter((call) => call.program === program).length > 1, `${program} was called`);
  const texts = ['touch', '--privileged', server.url, BRANCH, FOLDER, name];
  for (const text of texts)
    t.ok(
      calls.some(({ args }) => args.some((arg) => arg.includes(text))),
      text,
    );
  t.strictSame(
    calls.flatMap((call) => misplaced(call, texts)),
    [],
  );
  t.strictSame(calls.filter(isByShell), []);
  t.notOk(
    calls.some(({ args }) => args.some((arg) => arg.includes(SECRET))),
    'values of variables are in no argument',
  );
  const shells = [...watch.seen].filter((line) => /^(\S*\/)?(ba|da|z)?sh -c/.test(line) && line.includes('touch'));
  t.strictSame(shells, []);
  t.notOk(existsSync(join(host.folder, 'ran')) || existsSync('ran'));
});

t.test('the shims see what is misplaced', async (t) => {
  const call = (program: string, ...args: string[]) => misplaced({ program, args, parent: 'node' }, ['evil']);
  t.strictSame(call('git', 'fetch', 'evil'), ['evil']);
  t.strictSame(call('git', 'fetch', '--evil', '--', 'evil'), ['--evil']);
  t.strictSame(call('git', '-c', '--evil', 'fetch', '--', '--evil'), ['--evil']);
  t.strictSame(call('docker-compose', '-p', 'evil', '--project-directory', '/x/evil', 'up'), []);
  t.strictSame(call('ssh', '-evil', '-o', 'HostKeyAlias=evil', 'git@evil', 'cmd evil'), ['-evil']);
  t.ok(isByShell({ program: 'git', args: [], parent: '/bin/sh -c git' }));
  t.notOk(isByShell({ program: 'git', args: [], parent: 'node test/sh.ts' }));
});
