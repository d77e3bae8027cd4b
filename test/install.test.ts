// install.sh from outside: what it says, and that looking changes nothing. Whether it sets up a bare machine is seen by
// .ci/run, which starts with it.
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { docker, requireDocker } from './support/docker.ts';

const INSTALL = fileURLToPath(new URL('../install.sh', import.meta.url));

type Outcome = { exitCode: number; stdout: string; stderr: string };

function run(file: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** A PATH on which no engine answers, no site is reached, and what could change the machine shouts instead. */
function withoutEngine(t: Test): NodeJS.ProcessEnv {
  const alarm = '#!/bin/sh\necho "CHANGED: $0 $*" >&2\nexit 1\n';
  const quiet = '#!/bin/sh\nexit 1\n';
  const alarming = ['dockerd', 'setsid', 'systemctl', 'mount', 'rm', 'mkdir', 'npm', 'node', 'dnf', 'apt-get'];
  const commands = [
    ...alarming.map((name) => [name, alarm]),
    ...['docker', 'curl', 'wget'].map((name) => [name, quiet]),
  ];
  const bin = t.testdir(Object.fromEntries(commands));
  for (const [name = ''] of commands) chmodSync(join(bin, name), 0o755);
  return { ...process.env, PATH: `${bin}:/usr/bin:/bin` };
}

t.test('it is plain shell: bash and sh both take it', async (t) => {
  for (const shell of ['bash', 'sh']) {
    t.strictSame(await run(shell, ['-n', INSTALL]), { exitCode: 0, stdout: '', stderr: '' }, shell);
  }
});

t.test('without a verb it explains itself', async (t) => {
  for (const args of [[], ['--help'], ['up', '--help']]) {
    const { exitCode, stdout } = await run(INSTALL, args);
    t.equal(exitCode, 0);
    t.match(stdout, /^usage: .*\n[\s\S]* engine [\s\S]* up /);
  }
});

t.test('what it does not know it names, and exits 2', async (t) => {
  t.match(await run(INSTALL, ['upp']), { exitCode: 2, stdout: '', stderr: /unknown verb "upp"\nusage:/ });
  t.match(await run(INSTALL, ['engine', '--fast']), { exitCode: 2, stderr: /engine takes no "--fast"\nusage:/ });
});

t.test('a dry run names each step of a bare machine and changes nothing', async (t) => {
  const { exitCode, stderr } = await run(INSTALL, ['engine', '--dry-run'], withoutEngine(t));
  t.equal(exitCode, 0);
  t.match(stderr, /would run: .*install -y/);
  t.notMatch(stderr, /CHANGED/);
});

t.test('a dry run of `up` ends with the command and its flags, wherever they stood', async (t) => {
  const expected = /would run: longshore up --port 9000 --data-dir \/srv\/x\n$/;
  const env = withoutEngine(t);
  for (const line of ['up --port 9000 --data-dir /srv/x --dry-run', '--dry-run --port 9000 up --data-dir /srv/x']) {
    const { exitCode, stderr } = await run(INSTALL, line.split(' '), env);
    t.equal(exitCode, 0);
    t.match(stderr, expected);
    t.notMatch(stderr, /CHANGED/);
  }
});

t.test('where a good engine answers it says so and leaves it alone, each time', async (t) => {
  if (!(await requireDocker(t))) return;
  const started = () => docker(['info', '--format', '{{.ID}} {{.ServerVersion}}']);
  const before = await started();
  for (const round of ['first', 'second']) {
    const { exitCode, stderr } = await run(INSTALL, ['engine']);
    t.equal(exitCode, 0, round);
    const docker = /Docker is fine and left alone: engine \d+\.\S+, compose v?\d+\.\S+, buildx \S+\n/;
    const restic = /restic is fine and left alone: \d+\.\S+\n/;
    t.match(stderr, new RegExp(`^${docker.source}${restic.source}$`));
  }
  t.equal(await started(), before);
});
