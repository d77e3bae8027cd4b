// Fetches the files of one commit into an empty folder, and nothing of git's own.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitSource } from '#shared/model.ts';
import { requirePinning } from './pin.ts';
import type { Allowance } from './limits.ts';
import { withRemote, type Remote, type RemoteAccess } from './remote.ts';
import { runGit, type GitRun } from './run-git.ts';

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
export const fetchTree = (fetch: TreeFetch, source: GitSource, folder: string): Promise<string> =>
  withRemote(source, fetch, async (remote) => {
    const git = gitIn(folder, remote, fetch);
    if (remote.isPinned) requirePinning(await firstLine(git, 'version'));
    await git(['init', '--quiet']);
    const wanted = source.commit ?? source.branch ?? 'HEAD';
    const { url, environment } = remote;
    await git(['fetch', '--depth=1', '--no-tags', '--progress', '--', url, wanted], { environment });
    await requireWithinLimits(git, fetch.allowance);
    await git(['checkout', '--quiet', '--detach', 'FETCH_HEAD']);
    const commit = await firstLine(git, 'rev-parse', 'FETCH_HEAD');
    // Differs from fetch to fetch: as part of a build's context it would make a new image of the same files.
    await rm(join(folder, '.git'), { recursive: true, force: true });
    return commit;
  });

async function firstLine(git: Git, ...args: string[]): Promise<string> {
  let first = '';
  await git(args, { onStdout: (line) => (first ||= line) });
  return first;
}

function gitIn(cwd: string, { settings, transports }: Remote, fetch: TreeFetch): Git {
  const { isStranger, home, searchPath, mark, signal, onLine, allowance, endsAt } = fetch;
  return (args, own = {}) =>
    runGit({
      cwd,
      home: isStranger ? cwd : home,
      searchPath,
      transports,
      mark,
      limitBytes: allowance.limits.bytes,
      deadlineMs: Math.max(0, endsAt - performance.now()),
      args: [...settings, ...args],
      environment: own.environment,
      signal: own.signal ? AbortSignal.any([signal, own.signal]) : signal,
      onStdout: own.onStdout ?? onLine,
      onStderr: onLine,
    });
}

/** Counts while git lists: trees within trees can name more files than there is memory for. */
async function requireWithinLimits(git: Git, allowance: Allowance): Promise<void> {
  const over = new AbortController();
  const onStdout = (line: string) => {
    const fault = allowance.take(sizeIn(line));
    if (fault) over.abort(fault);
  };
  await git(['ls-tree', '-r', '-l', '--full-tree', 'FETCH_HEAD'], { onStdout, signal: over.signal });
  over.signal.throwIfAborted(); // at its last line
}

/** `<mode> blob <hash> <size>\t<path>`. */
const sizeIn = (line: string): number => Number(/^\d+ blob \w+ +(\d+)\t/.exec(line)?.[1]) || 0;
