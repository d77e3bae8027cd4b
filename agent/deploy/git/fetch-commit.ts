// Fetches one commit of a repository.
//
// A stranger's source (a customer's service, an AI deploy) gets less: https only, public addresses only, and neither
// the host's own keys nor redirects to elsewhere.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { folderIn, settle, type Checkout } from './checkouts.ts';
import { environmentFor } from './login.ts';
import { pinPublic, requirePinning } from './pin.ts';
import { runGit, type GitRun } from './run-git.ts';

export interface RepoLimits {
  files: number;
  bytes: number;
}

/** Above any repository one would deploy; what is larger belongs into an image. */
export const REPO_LIMITS: RepoLimits = { files: 100_000, bytes: 2 * 1024 ** 3 };

export interface GitFetch {
  source: GitSource;
  /** Where commits go, a folder each. */
  directory: string;
  /** Whose wish this is decides what git may do. */
  isStranger: boolean;
  allowsFiles: boolean;
  /** For ssh keys and known hosts of an operator's own services. */
  home: string;
  signal: AbortSignal;
  onLine: (line: string) => void;
  /** Who vouches for https hosts. Default: whom the system trusts. */
  caFile?: string | undefined;
  /** Default REPO_LIMITS. */
  limits?: RepoLimits;
}

/** One run of git; `own` where the caller wants the lines itself, or to end it. */
type Git = (
  args: readonly string[],
  own?: Partial<Pick<GitRun, 'onStdout' | 'signal' | 'environment'>>,
) => Promise<void>;

/**
 * Fails with `unsafe_git_url`, `egress_denied`, `repo_limit`, `interrupted`, `validation_error` where the commit lacks the
 * folder, or `git_failed` naming what git said.
 * Repeating it is safe, and a commit that is there stays as it is.
 */
export async function fetchCommit(fetch: GitFetch): Promise<Checkout> {
  const { source, directory, isStranger, allowsFiles } = fetch;
  checkGitSource(source, { allowsFiles: allowsFiles && !isStranger });
  const kept = source.commit === undefined ? undefined : join(directory, source.commit);
  if (kept !== undefined && existsSync(kept)) return toCheckout(source, kept);
  const { url, settings } = isStranger ? await pinPublic(source.url) : { url: source.url, settings: [] };
  const aside = join(directory, '.new');
  await rm(aside, { recursive: true, force: true });
  try {
    await mkdir(aside, { recursive: true, mode: 0o700 });
    const commit = await checkOut(fetch, url, gitIn(aside, settings, fetch));
    // Differs from fetch to fetch: as part of a build's context it would make a new image of the same files.
    await rm(join(aside, '.git'), { recursive: true, force: true });
    await settle(aside, join(directory, commit));
    return await toCheckout(source, join(directory, commit));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const toCheckout = async ({ path }: GitSource, directory: string): Promise<Checkout> => ({
  commit: basename(directory),
  directory,
  folder: await folderIn(directory, path),
});

async function checkOut(
  { source, isStranger, caFile, limits = REPO_LIMITS }: GitFetch,
  url: string,
  git: Git,
): Promise<string> {
  if (isStranger) requirePinning(await firstLine(git, 'version'));
  await git(['init', '--quiet']);
  const wanted = source.commit ?? source.branch ?? 'HEAD';
  const environment = environmentFor({ ...source, url }, caFile);
  await git(['fetch', '--depth=1', '--no-tags', '--progress', '--', url, wanted], { environment });
  await requireWithinLimits(git, limits);
  await git(['checkout', '--quiet', '--detach', 'FETCH_HEAD']);
  return firstLine(git, 'rev-parse', 'FETCH_HEAD');
}

async function firstLine(git: Git, ...args: string[]): Promise<string> {
  let first = '';
  await git(args, { onStdout: (line) => (first ||= line) });
  return first;
}

function gitIn(cwd: string, settings: readonly string[], fetch: GitFetch): Git {
  const { isStranger, allowsFiles, home, directory: mark, signal, onLine, limits = REPO_LIMITS } = fetch;
  const transports = isStranger ? ['https'] : ['https', 'ssh', ...(allowsFiles ? ['file'] : [])];
  const common = { cwd, home: isStranger ? cwd : home, transports, mark, limitBytes: limits.bytes };
  return (args, own = {}) =>
    runGit({
      ...common,
      args: [...settings, ...args],
      environment: own.environment,
      signal: own.signal ? AbortSignal.any([signal, own.signal]) : signal,
      onStdout: own.onStdout ?? onLine,
      onStderr: onLine,
    });
}

/** Counts while git lists: trees within trees can name more files than there is memory for. */
async function requireWithinLimits(git: Git, limits: RepoLimits): Promise<void> {
  const found = { files: 0, bytes: 0 };
  const over = new AbortController();
  const onStdout = (line: string) => {
    found.files++;
    found.bytes += sizeIn(line);
    if (found.files > limits.files) over.abort(tooLarge(`more than ${limits.files} files`));
    if (found.bytes > limits.bytes) over.abort(tooLarge(`more than ${limits.bytes} bytes`));
  };
  await git(['ls-tree', '-r', '-l', '--full-tree', 'FETCH_HEAD'], { onStdout, signal: over.signal });
  over.signal.throwIfAborted(); // at its last line
}

/** `<mode> blob <hash> <size>\t<path>`. */
const sizeIn = (line: string): number => Number(/^\d+ blob \w+ +(\d+)\t/.exec(line)?.[1]) || 0;

const tooLarge = (details: string) => new LongshoreError('repo_limit', { details });
