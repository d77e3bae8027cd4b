// install.sh from outside: what it says, and that looking changes nothing. Whether it sets up a bare machine is seen by
// .ci/run, which starts with it.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { joinParts, readInstaller } from '../cli/release/installer.ts';
import { docker, requireDocker } from './support/docker.ts';
import { makeFolder } from './support/folder.ts';
import { ABSENT, INSTALL, run, watchedMachine } from './support/installer.ts';

t.test('it is plain shell: bash and sh both take it', async (t) => {
  for (const shell of ['bash', 'sh']) {
    t.strictSame(await run(shell, ['-n', INSTALL]), { exitCode: 0, stdout: '', stderr: '' }, shell);
  }
});

t.test('as control serves it, it is one file, and nothing happens before its last line', async (t) => {
  const whole = readInstaller(dirname(INSTALL));
  t.notMatch(whole, /\$PARTS/);
  const file = join(makeFolder(t, 'whole'), 'install.sh');
  writeFileSync(file, whole);
  for (const shell of ['bash', 'sh']) t.equal((await run(shell, ['-n', file])).exitCode, 0, shell);
  t.match(await run('sh', [file, 'upp']), { exitCode: 2, stderr: /unknown verb "upp"/ });
  t.match(whole, /\nmain "\$@"\n$/);
  for (const cut of [0.1, 0.5, 0.9, 0.999]) {
    writeFileSync(file, whole.slice(0, whole.length * cut));
    t.notMatch((await run('sh', [file, 'engine', '--dry-run'])).stderr, /would|installing|Docker is fine/);
  }
});

t.test('a script that does not read its parts as the build knows it stops the build', async (t) => {
  t.throws(() => joinParts('PARTS=x\n. "$PARTS"/engine.sh\n', () => ''), { code: 'state_conflict' });
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
  const { exitCode, stderr } = await run(INSTALL, ['engine', '--dry-run'], watchedMachine(t, ABSENT));
  t.equal(exitCode, 0);
  t.match(stderr, /would run: .*install -y/);
  t.notMatch(stderr, /CHANGED/);
});

t.test('a dry run of `up` ends with the command and its flags, wherever they stood', async (t) => {
  const expected = /would run: longshore up --port 9000 --data-dir \/srv\/x\n$/;
  const env = watchedMachine(t, ABSENT);
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
