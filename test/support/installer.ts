// install.sh from outside, on a machine of which it sees what a test wants it to see.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { makeFolder } from './folder.ts';

export const INSTALL = fileURLToPath(new URL('../../install.sh', import.meta.url));

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export function run(file: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

const ALARM = '#!/bin/sh\necho "CHANGED: $0 $*" >&2\nexit 1\n';
/** What could change the machine. */
const ALARMING =
  'dockerd setsid systemctl mount rm mkdir npm node dnf apt-get install cp mv ln chown useradd userdel groupadd tar'.split(
    ' ',
  );

/** Programs by name, as shell: what a test wants of the machine. */
export type Programs = Readonly<Record<string, string>>;
/** No engine answers, and no site is reached. */
export const ABSENT: Programs = { docker: 'exit 1', curl: 'exit 1', wget: 'exit 1' };
/** Too new to be true, so that nothing of it is in the way. */
export const NEW_DOCKER: Programs = { docker: 'echo "v99.0 v99.0"' };

/** A PATH on which what could change the machine shouts instead, and where these programs are as given. */
export function watchedMachine(t: Test, programs: Programs): NodeJS.ProcessEnv {
  const bin = makeFolder(t, 'watched');
  const put = (name: string, script: string) => writeFileSync(join(bin, name), script, { mode: 0o755 });
  for (const name of ALARMING) put(name, ALARM);
  for (const [name, script] of Object.entries(programs)) put(name, `#!/bin/sh\n${script}\n`);
  return { ...process.env, PATH: `${bin}:/usr/bin:/bin`, LONGSHORE_TOKEN: '', no_proxy: '*' };
}
