// Which Git sources are allowed at all: https and ssh, with nothing that git could take for an option or for one of its
// transports that run commands (`ext::`, `fd::`). Control asks at POST, the agent again before git sees the text.
import { LongshoreError } from './errors.ts';
import type { GitLogin, GitSource } from './model.ts';

/** git@host:path, the short form of ssh. */
const SCP_LIKE = /^[a-z0-9_][a-z0-9_.-]*@([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(?!\/?-)[a-z0-9._~/-]+$/i;
/** Nothing that git would decode before it tells ssh: what is judged here is what is called. */
const SSH_USER = /^([a-z0-9_][a-z0-9_.-]*)?$/i;
const SSH_HOST = /^([a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])$/i;
const SSH_PORT = 22;
/** The parts of git-check-ref-format(1) that matter for a branch: no option, no climbing, no glob, no control bytes. */
const BRANCH = /^(?![-/.])(?!.*(\.\.|\/\/|@\{|\/\.|\.lock(\/|$)))[^\s\p{Cc}~^:?*[\\]+(?<![/.])$/u;

/**
 * A folder of the repository, as its names joined by slashes: nothing that climbs, is git's own, reads like an option, or
 * that Compose would fill in.
 */
const PATH = /^(?!-)(?!.*(^|\/)(\.{1,2}|\.git)?(\/|$))[^\p{Cc}\\$]+$/iu;
const MAX_PATH_CHARS = 255;

/** SHA-1 or SHA-256. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

export interface GitRules {
  /** `file://` is for machines of one's own: it reads whatever the agent can. */
  allowsFiles: boolean;
  /** The field of the request that holds the URL. */
  field?: string;
}

/** Throws `unsafe_git_url`, or `validation_error` for the rest. */
export function checkGitSource(source: GitSource, { allowsFiles, field = 'git_url' }: GitRules): void {
  const { url, branch, commit, path, login, deployKey, knownHosts } = source;
  const protocols = ['https:', 'ssh:', ...(allowsFiles ? ['file:'] : [])];
  const fault = findUrlFault(url, protocols);
  if (fault) throw new LongshoreError('unsafe_git_url', { details: fault, fields: { [field]: fault } });
  if (branch !== null && !BRANCH.test(branch))
    throw new LongshoreError('validation_error', { fields: { git_branch: 'Not a branch name' } });
  if (commit !== undefined && !COMMIT.test(commit))
    throw new LongshoreError('validation_error', { fields: { git_commit: 'Not the full name of a commit' } });
  if (path !== undefined && (path.length > MAX_PATH_CHARS || !PATH.test(path)))
    throw new LongshoreError('validation_error', { fields: { git_path: PATH_RULE } });
  if (login && !url.startsWith('https://'))
    throw new LongshoreError('validation_error', { fields: { git_token: 'Is for an https:// URL' } });
  if (login && !isHeaderSafe(login))
    throw new LongshoreError('validation_error', { fields: { git_token: 'Not a token, or git_username not a name' } });
  const forSsh = { git_deploy_key: deployKey, git_known_hosts: knownHosts };
  const [misplaced] = Object.entries(forSsh).find(([, value]) => value !== undefined) ?? [];
  if (misplaced !== undefined && !sshPlaceOf(url))
    throw new LongshoreError('validation_error', { fields: { [misplaced]: 'Is for an ssh:// URL or git@host:path' } });
}

/** Where ssh goes for a URL that was checked; undefined for one of another transport. */
export function sshPlaceOf(url: string): { host: string; port: number } | undefined {
  const [, short] = SCP_LIKE.exec(url) ?? [];
  if (short !== undefined) return { host: short, port: SSH_PORT };
  if (!url.startsWith('ssh://')) return undefined;
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || SSH_PORT) };
}

const PATH_RULE = 'Not a folder inside the repository: names joined by "/", like apps/web';

/** It travels as one line, and the first colon ends the name (RFC 7617 §2). */
const isHeaderSafe = ({ username, password }: GitLogin): boolean =>
  /^[^\s:\p{Cc}]+$/u.test(username) && /^[^\s\p{Cc}]+$/u.test(password);

function findUrlFault(text: string, protocols: readonly string[]): string | undefined {
  if (text.startsWith('-')) return 'Must not look like an option';
  if (/[\s\p{Cc}]/u.test(text)) return 'Must not hold spaces or control characters';
  if (/^[\w+.-]*::/.test(text)) return 'Must not name a transport of git';
  if (SCP_LIKE.test(text)) return undefined;
  // What WHATWG's parser mends (`https:host`, backslashes), git and curl read otherwise.
  if (!/^[a-z]+:\/\/[^\\]*$/.test(text) || !URL.canParse(text)) return 'Must be an https:// or ssh:// URL';
  const url = new URL(text);
  if (!protocols.includes(url.protocol)) return 'Must be an https:// or ssh:// URL';
  if (url.password !== '' || (url.protocol === 'https:' && url.username !== ''))
    return 'Must not hold a user name, password or token, which the list of processes would show: give it as git_token';
  if (url.hostname.endsWith('.')) return 'Must not end its host name with a dot';
  if (url.protocol === 'file:') return url.hostname === '' ? undefined : 'Must name a folder of this machine';
  if (/^(-|$)/.test(url.hostname) || /^\/+-/.test(url.pathname)) return 'Must not look like an option';
  if (url.protocol === 'ssh:' && !(SSH_USER.test(url.username) && SSH_HOST.test(url.hostname)))
    return 'Must name user and host in plain letters, digits, ".", "_" and "-"';
  return undefined;
}
