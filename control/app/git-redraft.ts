// What a change makes of the Git source of a service: another commit, another folder, another token.
import { LongshoreError } from '#shared/errors.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { DeployMethod, GitLogin, GitSource } from '#shared/model.ts';
import type { ServiceSource } from '../store/records.ts';
import { DEFAULT_GIT_USERNAME, type ServiceChange } from './api/services.ts';

export type GitChange = Pick<ServiceChange, 'gitCommit' | 'gitPath' | 'gitToken' | 'gitUsername'>;

/** The same source when nothing of it is asked for. Throws `validation_error`. */
export function redraftGit(
  { method }: { method: DeployMethod },
  source: ServiceSource,
  change: GitChange,
): ServiceSource {
  const asked = fieldsOf(change);
  if (asked.length === 0) return source;
  if (!source.git) {
    const problem = `is for services from Git, and this one is made from ${method}`;
    throw new LongshoreError('validation_error', { fields: Object.fromEntries(asked.map((name) => [name, problem])) });
  }
  const { url, branch } = source.git;
  const commit = merged(source.git.commit, change.gitCommit);
  const path = merged(source.git.path, change.gitPath);
  const login = mergeLogin(source.git.login, change);
  const chosen = { ...(commit !== undefined && { commit }), ...(path !== undefined && { path }) };
  const git = { url, branch, ...chosen, ...(login && { login }) };
  checkGitSource(git, { allowsFiles: true }); // the URL was judged when the service was made
  return { ...source, git };
}

/** The source with another login, or none; one that is not from Git has no use for any. */
export function withLogin(source: ServiceSource, login: GitLogin | undefined): ServiceSource {
  if (!source.git) return source;
  const { login: _, ...git } = source.git;
  return { ...source, git: { ...git, ...(login && { login }) } };
}

/** All but the token, which nobody gets to see. */
export function toShownGit({ login, ...git }: GitSource): Omit<GitSource, 'login'> & { hasToken: boolean } {
  return { ...git, hasToken: login !== undefined };
}

function fieldsOf({ gitCommit, gitPath, gitToken, gitUsername }: GitChange): string[] {
  const fields = { git_commit: gitCommit, git_path: gitPath, git_token: gitToken, git_username: gitUsername };
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

const merged = <T>(before: T | undefined, change: T | null | undefined): T | undefined =>
  change === undefined ? before : (change ?? undefined);

function mergeLogin(before: GitLogin | undefined, { gitToken, gitUsername }: GitChange): GitLogin | undefined {
  const password = merged(before?.password, gitToken);
  if (password !== undefined) return { username: gitUsername ?? before?.username ?? DEFAULT_GIT_USERNAME, password };
  if (gitUsername === undefined) return undefined;
  throw new LongshoreError('validation_error', { fields: { git_username: 'goes with a git_token' } });
}
