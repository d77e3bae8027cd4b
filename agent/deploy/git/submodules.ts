// The submodules of a commit, as sources of their own: fetched one by one and judged as the repository itself is, so that
// `git submodule`, which reads a stranger's settings, never runs. Pure.
import { sshPlaceOf } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';

/** Below each other; deeper is nobody's application. */
export const MAX_SUBMODULE_DEPTH = 3;
/** Of .gitmodules: thousands of them. */
export const MAX_DECLARATION_BYTES = 256 * 1024;

/** A commit of another repository that stands in a tree. */
export interface TreeLink {
  path: string;
  commit: string;
}

/** `line`: of `git ls-tree -l`. Undefined for everything else; a name that git must quote is no submodule's. */
export function linkIn(line: string): TreeLink | undefined {
  const [, commit, path] = /^160000 commit ([0-9a-f]+) +-\t([^"].*)$/.exec(line) ?? [];
  return commit !== undefined && path !== undefined ? { path, commit } : undefined;
}

/** Path → URL. `lines`: of `git config --list` for .gitmodules, where the last one of a name counts. */
export function declaredIn(lines: readonly string[]): Map<string, string> {
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const line of lines) {
    const [, name = '', key = '', value = ''] = /^submodule\.(.*?)\.(path|url)=(.*)$/.exec(line) ?? [];
    if (key !== '') modules.set(name, { ...modules.get(name), [key]: value });
  }
  return new Map(
    [...modules.values()].flatMap(({ path, url }) => (path !== undefined && url !== undefined ? [[path, url]] : [])),
  );
}

/** Not judged yet. The credentials of its parent go along to the same host alone. */
export function submoduleOf(parent: GitSource, url: string, commit: string): GitSource {
  const { login, deployKey, knownHosts, submodules, lfs } = parent;
  const source = { url: resolveUrl(parent.url, url), branch: null, commit, submodules, lfs };
  return placeOf(source.url) === placeOf(parent.url) ? { ...source, login, deployKey, knownHosts } : source;
}

function placeOf(url: string): string {
  if (url.startsWith('ssh://') && !URL.canParse(url)) return url;
  const ssh = sshPlaceOf(url);
  if (ssh) return `ssh://${ssh.host}:${ssh.port}`;
  return URL.canParse(url) ? new URL(url).origin : url;
}

/** As gitmodules(5) has it: `./` and `../` start from the parent's URL, as if that were a folder. */
export function resolveUrl(parent: string, url: string): string {
  let [base, rest, separator] = [parent.replace(/\/+$/, ''), url, '/'];
  while (/^\.\.?\//.test(rest)) {
    if (rest.startsWith('../')) [base, separator] = withoutLastName(base);
    rest = rest.replace(/^\.\.?\/+/, '');
  }
  return rest === url ? url : `${base}${separator}${rest}`;
}

/** Of `git@host:path` the colon is the last separator. */
function withoutLastName(url: string): [base: string, separator: string] {
  const at = Math.max(url.lastIndexOf('/'), url.lastIndexOf(':'));
  return at < 0 ? ['', ''] : [url.slice(0, at), url.charAt(at)];
}
