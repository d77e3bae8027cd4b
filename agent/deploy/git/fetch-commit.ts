// Fetches one commit of a repository and gives it its place among the others.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { checkoutName, commitIn, folderIn, settle, type Checkout } from './checkouts.ts';
import { fetchTree, type TreeFetch } from './fetch-tree.ts';
import { Allowance, REPO_LIMITS, type RepoLimits } from './limits.ts';

/** A slow repository of the largest size allowed. */
const DEADLINE_MS = 10 * 60_000;

export interface GitFetch extends Omit<TreeFetch, 'allowance' | 'endsAt' | 'mark'> {
  source: GitSource;
  /** Where commits go, a folder each. */
  directory: string;
  /** For all of it together. Default: ten minutes. */
  deadlineMs?: number;
  /** Default REPO_LIMITS. */
  limits?: RepoLimits;
}

/**
 * Fails with `unsafe_git_url`, `egress_denied`, `repo_limit`, `timed_out`, `interrupted`, `validation_error` where the
 * commit lacks the folder, or `git_failed` naming what git said. Repeating it is safe, and a commit that is there stays as
 * it is.
 */
export async function fetchCommit({ source, directory, limits, deadlineMs, ...fetch }: GitFetch): Promise<Checkout> {
  checkGitSource(source, { allowsFiles: fetch.allowsFiles && !fetch.isStranger });
  const kept = source.commit === undefined ? undefined : join(directory, checkoutName(source.commit, source));
  if (kept !== undefined && existsSync(kept)) return toCheckout(source, kept);
  const aside = join(directory, '.new');
  await rm(aside, { recursive: true, force: true });
  try {
    await mkdir(aside, { recursive: true, mode: 0o700 });
    const allowance = new Allowance(limits ?? REPO_LIMITS);
    const endsAt = performance.now() + (deadlineMs ?? DEADLINE_MS);
    const commit = await fetchTree({ ...fetch, mark: directory, allowance, endsAt }, source, aside);
    const place = join(directory, checkoutName(commit, source));
    await settle(aside, place);
    return await toCheckout(source, place);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

const toCheckout = async ({ path }: GitSource, directory: string): Promise<Checkout> => ({
  commit: commitIn(basename(directory)),
  directory,
  folder: await folderIn(directory, path),
});
