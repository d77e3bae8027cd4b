// Which Git sources are allowed at all: https and ssh, with nothing that git could take for an option or for one of its
// transports that run commands (`ext::`, `fd::`). The agent checks the resolved address again before it connects.
import { LongshoreError } from '#shared/errors.ts';

const ALLOWED_PROTOCOLS = ['https:', 'ssh:'];
/** git@host:path, the short form of ssh. */
const SCP_LIKE = /^[a-z0-9_][a-z0-9_.-]*@[a-z0-9][a-z0-9.-]*:(?!\/?-)[a-z0-9._~/-]+$/i;
/** The parts of git-check-ref-format(1) that matter for a branch: no option, no climbing, no glob, no control bytes. */
const BRANCH = /^(?![-/.])(?!.*(\.\.|\/\/|@\{|\/\.|\.lock(\/|$)))[^\s\p{Cc}~^:?*[\\]+(?<![/.])$/u;

/** Throws `unsafe_git_url`, or `validation_error` for the branch. */
export function checkGitSource(source: { url: string; branch?: string | undefined }): void {
  const fault = findUrlFault(source.url);
  if (fault) throw new LongshoreError('unsafe_git_url', { details: fault, fields: { git_url: fault } });
  if (source.branch !== undefined && !BRANCH.test(source.branch))
    throw new LongshoreError('validation_error', { fields: { git_branch: 'Not a branch name' } });
}

function findUrlFault(text: string): string | undefined {
  if (text.startsWith('-')) return 'Must not look like an option';
  if (/[\s\p{Cc}]/u.test(text)) return 'Must not hold spaces or control characters';
  if (text.includes('::')) return 'Must not name a transport of git';
  if (SCP_LIKE.test(text)) return undefined;
  if (!URL.canParse(text)) return 'Must be an https:// or ssh:// URL';
  const url = new URL(text);
  if (!ALLOWED_PROTOCOLS.includes(url.protocol)) return 'Must be an https:// or ssh:// URL';
  if (
    url.hostname === '' ||
    /^(-|%2d)/i.test(url.hostname) ||
    url.username.startsWith('-') ||
    /^\/+-/.test(url.pathname)
  )
    return 'Must not look like an option';
  return undefined;
}
