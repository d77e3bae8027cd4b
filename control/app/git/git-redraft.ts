// The Git source of a service as it is kept: settled when it is made, and what a change makes of it.
import { LongshoreError } from '#shared/errors.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { DeployMethod, GitLogin, GitSource } from '#shared/model.ts';
import type { ServiceSource } from '../../store/records.ts';
import { DEFAULT_GIT_USERNAME, type ServiceChange, type ShownGit } from '../api/services.ts';
import { readDeployKey } from './deploy-key.ts';
import { isWatchPath } from './watch-paths.ts';

const FIELDS = {
  git_commit: 'gitCommit',
  git_path: 'gitPath',
  git_submodules: 'gitSubmodules',
  git_lfs: 'gitLfs',
  git_watch_paths: 'gitWatchPaths',
  git_token: 'gitToken',
  git_username: 'gitUsername',
  git_deploy_key: 'gitDeployKey',
  git_known_hosts: 'gitKnownHosts',
} as const satisfies Record<string, keyof ServiceChange>;

export type GitChange = Pick<ServiceChange, (typeof FIELDS)[keyof typeof FIELDS]>;

/** The same source when nothing of it is asked for. Throws `validation_error`. */
export function redraftGit(
  { method }: { method: DeployMethod },
  source: ServiceSource,
  change: GitChange,
): ServiceSource {
  const asked = Object.entries(FIELDS).flatMap(([name, key]) => (change[key] === undefined ? [] : [name]));
  if (asked.length === 0) return source;
  const misplaced = source.git ? asked.filter((name) => method === 'ai' && !OF_AI.includes(name)) : asked;
  if (!source.git || misplaced.length > 0) throw notFromGit(method, misplaced);
  const { commit, path, submodules, lfs, login, deployKey, knownHosts, ...rest } = source.git;
  const git = settleGit({
    ...rest,
    commit: merged(commit, change.gitCommit),
    path: merged(path, change.gitPath),
    submodules: (change.gitSubmodules ?? submodules) || undefined,
    lfs: (change.gitLfs ?? lfs) || undefined,
    login: mergeLogin(login, change),
    deployKey: merged(deployKey, change.gitDeployKey),
    knownHosts: merged(knownHosts, change.gitKnownHosts),
  });
  checkGitSource(git, { allowsFiles: true }); // the URL was judged when the service was made
  return { ...source, git };
}

/** What the AI is told, and says, is about the whole repository. */
const OF_AI = ['git_commit', 'git_watch_paths', 'git_token', 'git_username', 'git_deploy_key', 'git_known_hosts'];

function notFromGit(method: DeployMethod, fields: readonly string[]): LongshoreError {
  const problem = `is for services from Git, and this one is made from ${method}`;
  return new LongshoreError('validation_error', { fields: Object.fromEntries(fields.map((name) => [name, problem])) });
}

/** As it is kept: its key in plain form, and no field without a value. Throws `validation_error`. */
export function settleGit(git: GitSource): GitSource {
  const { deployKey, knownHosts, ...rest } = git;
  const settled = {
    ...rest,
    deployKey: deployKey && plainKeyOf(deployKey),
    knownHosts: knownHosts && linesOf(knownHosts),
  };
  return Object.fromEntries(Object.entries(settled).filter(([, value]) => value !== undefined)) as unknown as GitSource;
}

function plainKeyOf(text: string): string {
  const key = readDeployKey(text);
  if (typeof key !== 'string') return key.privateKey;
  throw new LongshoreError('validation_error', { fields: { git_deploy_key: key } });
}

/** `[marker] hosts kind key`, sshd(8). */
const KNOWN_HOST = /^(@(cert-authority|revoked) +)?[^\s@]+ +[a-z0-9@.-]+ +[A-Za-z0-9+/]+=*( .*)?$/;

function linesOf(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const isFit = lines.every((line) => line === '' || line.startsWith('#') || KNOWN_HOST.test(line));
  if (isFit && lines.some((line) => KNOWN_HOST.test(line))) return lines.join('\n').trim();
  const problem = 'Not lines of a known_hosts file; `ssh-keyscan HOST` prints some';
  throw new LongshoreError('validation_error', { fields: { git_known_hosts: problem } });
}

/** Throws `validation_error`. */
export function checkWatchPaths(patterns: readonly string[]): void {
  const bad = patterns.flatMap((pattern, index) => (isWatchPath(pattern) ? [] : [`git_watch_paths[${index}]`]));
  if (bad.length === 0) return;
  const problem = 'Not a path inside the repository, like apps/web/** or !**/*.md';
  throw new LongshoreError('validation_error', { fields: Object.fromEntries(bad.map((name) => [name, problem])) });
}

/** The source with the credentials of another, or none: an earlier revision is fetched with those of today. */
export function withCredentialsOf(source: ServiceSource, now: GitSource | undefined): ServiceSource {
  if (!source.git) return source;
  const { login: _login, deployKey: _key, knownHosts: _hosts, ...git } = source.git;
  const { login, deployKey, knownHosts }: Partial<GitSource> = now ?? {};
  const credentials = { ...(login && { login }), ...(deployKey && { deployKey }), ...(knownHosts && { knownHosts }) };
  return { ...source, git: { ...git, ...credentials } };
}

/** All but token and key, which nobody gets to see. */
export function toShownGit({ login, deployKey, ...git }: GitSource): ShownGit {
  return { ...git, hasToken: login !== undefined, hasDeployKey: deployKey !== undefined };
}

const merged = <T>(before: T | undefined, change: T | null | undefined): T | undefined =>
  change === undefined ? before : (change ?? undefined);

function mergeLogin(before: GitLogin | undefined, { gitToken, gitUsername }: GitChange): GitLogin | undefined {
  const password = merged(before?.password, gitToken);
  if (password !== undefined) return { username: gitUsername ?? before?.username ?? DEFAULT_GIT_USERNAME, password };
  if (gitUsername === undefined) return undefined;
  throw new LongshoreError('validation_error', { fields: { git_username: 'goes with a git_token' } });
}
