// One run of the `git` command: an argv, an environment from scratch, a deadline, limits of disk and memory, and nothing
// of git that runs programs of the repository's choosing: no hooks, filters, submodules, symlinks or other transports.
import { existsSync } from 'node:fs';
import { LongshoreError } from '#shared/errors.ts';
import { runChild, Tail, type ChildEnd } from '../../docker/child.ts';
import { RUN_VARIABLE } from '../../docker/orphan.ts';
import { gitFault } from './git-faults.ts';

/** A few kilobytes of deltas can ask for gigabytes. */
const MEMORY_BYTES = 2 * 1024 ** 3;
const PRLIMIT = '/usr/bin/prlimit';
/** Of its last words; what ssh says of a changed host key takes 14, what git says after it 4. */
const SAID_LINES = 30;

/** Whatever the repository brings, git does nothing but copy its files. */
const HARDENING = [
  'core.hooksPath=/dev/null',
  'core.symlinks=false',
  'core.fsmonitor=false',
  'core.quotePath=false', // a name that is quoted still holds what no name should
  'core.bigFileThreshold=32m', // larger ones are streamed
  'fetch.fsckObjects=true',
  'fetch.unpackLimit=1', // always one pack, so that the limit of a file is the limit of all
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'filter.lfs.smudge=',
  'filter.lfs.required=false',
  'http.lowSpeedLimit=1000', // bytes a second, for a minute: then the other side counts as gone
  'http.lowSpeedTime=60',
  'init.defaultBranch=main',
];

export interface GitRun {
  args: readonly string[];
  /** Besides its own: what must not stand among the arguments, which everyone on the host can read. */
  environment?: Readonly<Record<string, string>> | undefined;
  cwd: string;
  /** For ssh keys and known hosts. */
  home: string;
  /** Where git and what it starts are looked for. */
  searchPath: string;
  deadlineMs: number;
  /** As GIT_ALLOW_PROTOCOL names them. */
  transports: readonly string[];
  /** The folder by which a later process finds what this one leaves running. */
  mark: string;
  /** Of each file it writes. */
  limitBytes: number;
  signal: AbortSignal;
  onStdout: (line: string) => void;
  onStderr: (line: string) => void;
}

/** Fails with `repo_limit`, `timed_out`, `interrupted`, or `git_failed` naming what git said. */
export async function runGit(run: GitRun): Promise<void> {
  const said = new Tail();
  const settings = HARDENING.flatMap((setting) => ['-c', setting]);
  const command = ['git', ...settings, ...run.args];
  const [file = 'git', ...rest] = existsSync(PRLIMIT)
    ? [PRLIMIT, `--fsize=${run.limitBytes}`, `--data=${MEMORY_BYTES}`, '--', ...command]
    : command;
  const end = await runChild(file, {
    args: rest,
    env: environmentOf(run),
    cwd: run.cwd,
    deadlineMs: run.deadlineMs,
    signal: run.signal,
    onStdout: run.onStdout,
    onStderr: (line) => {
      said.add(line);
      run.onStderr(line);
    },
  });
  if (end.code !== 0) throw failure(end, said, run);
}

function environmentOf({ home, searchPath, transports, mark, environment }: GitRun): Record<string, string> {
  return {
    ...environment,
    [RUN_VARIABLE]: mark,
    PATH: searchPath,
    HOME: home,
    LC_ALL: 'C', // its messages are read below
    GIT_ALLOW_PROTOCOL: transports.join(':'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
}

function failure(end: ChildEnd, said: Tail, { signal }: GitRun): unknown {
  if (signal.aborted) return signal.reason;
  if (end.killedBy === 'deadline') return new LongshoreError('timed_out', { message: 'git did not end in time' });
  if (end.signal !== null && end.signal !== 'SIGXFSZ')
    return new LongshoreError('interrupted', { message: 'git was killed' });
  return gitFault(said.last(SAID_LINES), end.signal === 'SIGXFSZ');
}
