// Fetches one commit of a repository: the `git` command with an argv, an environment from scratch and nothing of git
// that runs programs of the repository's choosing: no hooks, filters, submodules, symlinks or other transports.
//
// A stranger's source (a customer's service, an AI deploy) gets less: https only, public addresses only, and neither
// the host's own keys nor redirects to elsewhere.
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { isCallable } from '#shared/address.ts';
import { LongshoreError } from '#shared/errors.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { runChild, Tail, type ChildEnd } from '../docker/child.ts';
import { RUN_VARIABLE } from '../docker/orphan.ts';

/** Above any repository one would deploy; what is larger belongs into an image. */
export const REPO_LIMITS = { files: 100_000, bytes: 2 * 1024 ** 3 } as const;
const DEADLINE_MS = 10 * 60_000;
const PRLIMIT = '/usr/bin/prlimit';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Whatever the repository brings, git does nothing but copy its files. */
const HARDENING = [
  'core.hooksPath=/dev/null',
  'core.symlinks=false',
  'core.fsmonitor=false',
  'fetch.fsckObjects=true',
  'submodule.recurse=false',
  'filter.lfs.smudge=',
  'filter.lfs.required=false',
  'http.lowSpeedLimit=1000', // bytes a second, for a minute: then the other side counts as gone
  'http.lowSpeedTime=60',
  'init.defaultBranch=main',
];

export interface GitFetch {
  source: GitSource;
  /** Where the files go; what was there before is replaced once the new ones are whole. */
  directory: string;
  /** Whose wish this is decides what git may do. */
  isStranger: boolean;
  allowsFiles: boolean;
  /** For ssh keys and known hosts of an operator's own services. */
  home: string;
  signal: AbortSignal;
  onLine: (line: string) => void;
}

/**
 * Returns the commit. Fails with `unsafe_git_url`, `egress_denied`, `repo_limit`, or `git_failed` naming what git said.
 * Repeating it is safe.
 */
export async function fetchCommit(fetch: GitFetch): Promise<string> {
  const { source, directory, isStranger, allowsFiles } = fetch;
  checkGitSource(source, { allowsFiles: allowsFiles && !isStranger });
  const pins = isStranger ? await pinPublic(source.url) : [];
  const aside = `${directory}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const git = (...args: string[]) => runGit(fetch, aside, pins, args);
  await git('init', '--quiet');
  await git('fetch', '--depth=1', '--no-tags', '--progress', '--', source.url, source.branch ?? 'HEAD');
  requireWithinLimits(await git('ls-tree', '-r', '-l', '--full-tree', 'FETCH_HEAD'));
  await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
  const [commit = ''] = await git('rev-parse', 'FETCH_HEAD');
  // Differs from fetch to fetch: as part of a build's context it would make a new image of the same files.
  await rm(join(aside, '.git'), { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  await rename(aside, directory);
  return commit;
}

/** Lines of `ls-tree -l`: `<mode> blob <hash> <size>\t<path>`. */
export function requireWithinLimits(lines: readonly string[]): void {
  const bytes = lines.reduce((sum, line) => sum + (Number(/^\d+ blob \w+ +(\d+)\t/.exec(line)?.[1]) || 0), 0);
  if (lines.length > REPO_LIMITS.files)
    throw new LongshoreError('repo_limit', { details: `${lines.length} files, at most ${REPO_LIMITS.files}` });
  if (bytes > REPO_LIMITS.bytes)
    throw new LongshoreError('repo_limit', { details: `${bytes} bytes, at most ${REPO_LIMITS.bytes}` });
}

/** Looks the host up once and holds git to that address, so that nobody's DNS answers differently a moment later. */
async function pinPublic(url: string): Promise<string[]> {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new LongshoreError('unsafe_git_url', { details: 'Only https:// is allowed here' });
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) ? [host] : await resolve(host);
  const address = addresses.find((one) => isCallable(one, { allowsPrivate: false }));
  if (address === undefined) throw new LongshoreError('egress_denied', { details: `"${host}" has no public address` });
  return [`http.curloptResolve=${host}:${port || '443'}:${address}`, 'http.followRedirects=false'];
}

async function resolve(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new LongshoreError('git_failed', { details: `could not resolve host "${host}"`, cause: error });
  }
}

async function runGit(fetch: GitFetch, cwd: string, pins: readonly string[], args: string[]): Promise<string[]> {
  const { directory, signal, onLine } = fetch;
  const [out, said] = [[] as string[], new Tail()];
  const settings = [...HARDENING, ...pins].flatMap((setting) => ['-c', setting]);
  const command = ['git', ...settings, ...args];
  const [file = 'git', ...rest] = existsSync(PRLIMIT)
    ? [PRLIMIT, `--fsize=${REPO_LIMITS.bytes}`, '--', ...command]
    : command;
  const end = await runChild(file, {
    args: rest,
    env: { ...environmentOf(fetch, cwd), [RUN_VARIABLE]: directory },
    cwd,
    deadlineMs: DEADLINE_MS,
    signal,
    onStdout: (line) => out.push(line),
    onStderr: (line) => {
      said.add(line);
      onLine(line);
    },
  });
  if (end.code !== 0) throw failure(end, said, signal);
  return out;
}

function environmentOf({ isStranger, allowsFiles, home }: GitFetch, cwd: string): Record<string, string> {
  const transports = isStranger ? ['https'] : ['https', 'ssh', ...(allowsFiles ? ['file'] : [])];
  return {
    PATH,
    HOME: isStranger ? cwd : home,
    LC_ALL: 'C', // its messages are read below
    GIT_ALLOW_PROTOCOL: transports.join(':'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new',
  };
}

function failure(end: ChildEnd, said: Tail, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (end.killedBy === 'deadline')
    return new LongshoreError('timed_out', { message: 'git took longer than 10 minutes' });
  if (end.signal === 'SIGXFSZ')
    return new LongshoreError('repo_limit', { details: `at most ${REPO_LIMITS.bytes} bytes` });
  if (end.signal !== null) return new LongshoreError('interrupted', { message: 'git was killed' });
  const words = said.last(20).filter((line) => /^(fatal|error|remote): /.test(line));
  return new LongshoreError('git_failed', { details: explain(words.at(-1) ?? said.last(1)[0] ?? 'git failed') });
}

function explain(words: string): string {
  if (/could not read Username|Authentication failed|Permission denied|403/.test(words))
    return `${words}; the repository is private or does not exist`;
  return words;
}
