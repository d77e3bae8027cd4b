// Fetches the files of one commit into an empty folder, with what belongs to it elsewhere where that is wanted, and nothing
// of git's own.
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { ignore } from '../workspace.ts';
import { folderIn } from './checkouts.ts';
import type { Allowance } from './limits.ts';
import { requirePinning } from './pin.ts';
import { withRemote, type Remote, type RemoteAccess } from './remote.ts';
import { runGit, type GitRun } from './run-git.ts';
import {
  declaredIn,
  linkIn,
  MAX_DECLARATION_BYTES,
  MAX_SUBMODULE_DEPTH,
  submoduleOf,
  type TreeLink,
} from './submodules.ts';

export interface TreeFetch extends RemoteAccess {
  /** `file://` repositories of one's own. */
  allowsFiles: boolean;
  /** For ssh keys and known hosts of an operator's own services. */
  home: string;
  signal: AbortSignal;
  onLine: (line: string) => void;
  /** The folder by which a later process finds what this one leaves running. */
  mark: string;
  allowance: Allowance;
  /** By performance.now(). */
  endsAt: number;
}

/** One run of git; `own` where the caller wants the lines itself, or to end it. */
type Git = (
  args: readonly string[],
  own?: Partial<Pick<GitRun, 'onStdout' | 'signal' | 'environment'>>,
) => Promise<void>;

/** Returns the full name of the commit. Fails as fetchCommit does. */
export async function fetchTree(fetch: TreeFetch, source: GitSource, folder: string, depth = 0): Promise<string> {
  const over = fetch.allowance.takeRepository();
  if (over) throw over;
  const { commit, links } = await fetchOwnFiles(fetch, source, folder);
  if (source.lfs) await fetchFromLfs(fetch, source, folder);
  if (source.submodules && links.length > 0) await fetchSubmodules(fetch, source, { folder, links, depth });
  return commit;
}

interface OwnFiles {
  commit: string;
  /** Commits of other repositories that stand in the tree; their folders are empty. */
  links: TreeLink[];
}

const fetchOwnFiles = (fetch: TreeFetch, source: GitSource, folder: string): Promise<OwnFiles> =>
  withRemote(source, fetch, async (remote) => {
    const git = gitIn(folder, remote, fetch);
    if (remote.isPinned) requirePinning(await firstLine(git, 'version'));
    await git(['init', '--quiet']);
    const wanted = source.commit ?? source.branch ?? 'HEAD';
    const { url, environment } = remote;
    await git(['fetch', '--depth=1', '--no-tags', '--progress', '--', url, wanted], { environment });
    const links = await listWithinLimits(git, fetch.allowance);
    await git(['checkout', '--quiet', '--detach', 'FETCH_HEAD']);
    const commit = await firstLine(git, 'rev-parse', 'FETCH_HEAD');
    // Differs from fetch to fetch: as part of a build's context it would make a new image of the same files.
    await rm(join(folder, '.git'), { recursive: true, force: true });
    return { commit, links };
  });

/** Loaded when a repository first wants it. */
async function fetchFromLfs(fetch: TreeFetch, source: GitSource, folder: string): Promise<void> {
  const { fetchLfs } = await import('./lfs.ts');
  const over = new AbortController();
  const end = () => over.abort(new LongshoreError('timed_out', { message: 'Git LFS did not answer in time' }));
  const timer = setTimeout(end, msLeft(fetch));
  try {
    await fetchLfs({ ...fetch, signal: AbortSignal.any([fetch.signal, over.signal]) }, source, folder);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchSubmodules(
  fetch: TreeFetch,
  source: GitSource,
  { folder, links, depth }: { folder: string; links: TreeLink[]; depth: number },
): Promise<void> {
  if (depth === MAX_SUBMODULE_DEPTH)
    throw new LongshoreError('repo_limit', { details: `submodules more than ${MAX_SUBMODULE_DEPTH} below each other` });
  const declared = declaredIn(await readDeclarations(fetch, folder));
  // What comes from elsewhere names no files of this machine.
  const inner = { ...fetch, allowsFiles: fetch.allowsFiles && source.url.startsWith('file:') };
  for (const { path, commit } of links) {
    const url = declared.get(path);
    if (url === undefined) fetch.onLine(`.gitmodules does not say what ${path} is: it stays empty`);
    else await fetchSubmodule(inner, submoduleOf(source, url, commit), { folder, path, depth });
  }
}

async function fetchSubmodule(
  fetch: TreeFetch,
  source: GitSource,
  { folder, path, depth }: { folder: string; path: string; depth: number },
): Promise<void> {
  try {
    checkGitSource(source, { allowsFiles: fetch.allowsFiles && !fetch.isStranger });
    fetch.onLine(`submodule ${path}`);
    await fetchTree(fetch, source, await folderIn(folder, path), depth + 1);
  } catch (error) {
    throw error instanceof LongshoreError && error.details !== undefined ? withPath(error, path) : error;
  }
}

const withPath = (fault: LongshoreError, path: string): LongshoreError =>
  new LongshoreError(fault.code, { details: `submodule "${path}": ${fault.details}`, cause: fault });

/** Git reads its own format, from the one file; what it says there is judged by nobody yet. */
async function readDeclarations(fetch: TreeFetch, folder: string): Promise<string[]> {
  const file = await lstat(join(folder, '.gitmodules')).catch(ignore('ENOENT'));
  if (!file?.isFile()) return [];
  if (file.size > MAX_DECLARATION_BYTES)
    throw new LongshoreError('repo_limit', { details: '.gitmodules is too large' });
  const lines: string[] = [];
  const git = gitIn(folder, { settings: [], transports: [] }, fetch);
  await git(['config', '--file', '.gitmodules', '--no-includes', '--list'], { onStdout: (line) => lines.push(line) });
  return lines;
}

async function firstLine(git: Git, ...args: string[]): Promise<string> {
  let first = '';
  await git(args, { onStdout: (line) => (first ||= line) });
  return first;
}

function gitIn(cwd: string, { settings, transports }: Pick<Remote, 'settings' | 'transports'>, fetch: TreeFetch): Git {
  const { isStranger, home, searchPath, mark, signal, onLine, allowance } = fetch;
  return (args, own = {}) =>
    runGit({
      cwd,
      home: isStranger ? cwd : home,
      searchPath,
      transports,
      mark,
      limitBytes: allowance.limits.bytes,
      deadlineMs: msLeft(fetch),
      args: [...settings, ...args],
      environment: own.environment,
      signal: own.signal ? AbortSignal.any([signal, own.signal]) : signal,
      onStdout: own.onStdout ?? onLine,
      onStderr: onLine,
    });
}

const msLeft = ({ endsAt }: TreeFetch): number => Math.max(0, endsAt - performance.now());

/** Counts while git lists: trees within trees can name more files than there is memory for. */
async function listWithinLimits(git: Git, allowance: Allowance): Promise<TreeLink[]> {
  const over = new AbortController();
  const links: TreeLink[] = [];
  const onStdout = (line: string) => {
    const fault = allowance.take(sizeIn(line));
    if (fault) over.abort(fault);
    const link = linkIn(line);
    if (link) links.push(link);
  };
  await git(['ls-tree', '-r', '-l', '--full-tree', 'FETCH_HEAD'], { onStdout, signal: over.signal });
  over.signal.throwIfAborted(); // at its last line
  return links;
}

/** `<mode> blob <hash> <size>\t<path>`. */
const sizeIn = (line: string): number => Number(/^\d+ blob \w+ +(\d+)\t/.exec(line)?.[1]) || 0;
