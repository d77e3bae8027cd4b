// Where a restic repository may lie: `rest:`, `s3:`, `sftp:` or a folder of the host. Pure; the one place that reads such
// a URL, so that nobody takes another host out of it than was judged. Credentials are never part of it.
import { LongshoreError } from './errors.ts';

export const REPOSITORY_KINDS = ['local', 'sftp', 's3', 'rest'] as const;
export type RepositoryKind = (typeof REPOSITORY_KINDS)[number];

export interface RepositoryPlace {
  kind: RepositoryKind;
  /** As restic is given it. */
  url: string;
  /** Null: on the host itself. */
  server: { host: string; port: number } | null;
}

/** What restic reads from its environment for each kind, and nothing else is taken. */
export const CREDENTIAL_NAMES: Readonly<Record<RepositoryKind, readonly string[]>> = {
  local: [],
  sftp: [],
  s3: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_DEFAULT_REGION'],
  rest: ['RESTIC_REST_USERNAME', 'RESTIC_REST_PASSWORD'],
};

const SSH_PORT = 22;
/** Nothing that a shell, an option or a line of known_hosts could take for something else. */
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/;
const FOLDER = /^\/(?!\/)[^\p{Cc}\\]{1,500}$/u;

/** Throws `validation_error` about `url`. */
export function parseRepositoryUrl(text: string): RepositoryPlace {
  if (text.startsWith('/')) return { kind: 'local', url: requireFolder(text), server: null };
  if (text.startsWith('rest:')) return fromHttp('rest', text.slice('rest:'.length));
  if (text.startsWith('s3:')) return fromHttp('s3', text.slice('s3:'.length));
  if (text.startsWith('sftp://')) return fromSftp(text);
  throw refuse('must be rest:https://…, s3:https://…, sftp://user@host/folder or an absolute path of the host');
}

function fromHttp(kind: 'rest' | 's3', text: string): RepositoryPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refuse(`must go on with https:// after ${kind}:`);
  if (url.username !== '' || url.password !== '')
    throw refuse('must not hold credentials: they are fields of their own');
  if (url.search !== '' || url.hash !== '') throw refuse('must end with a path');
  if (kind === 's3' && url.pathname === '/') throw refuse('must name a bucket after the host');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return { kind, url: `${kind}:${url.href}`, server: { host: url.hostname.replace(/^\[|\]$/g, ''), port } };
}

/** Written anew from what was read: restic's own parser is given nothing that it could read in another way. */
function fromSftp(text: string): RepositoryPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.search !== '' || url.hash !== '') throw refuse('must be sftp://user@host[:port]/folder');
  const { username: user, password, hostname: host, port } = url;
  if (password !== '') throw refuse('must not hold a password: give a private key');
  if (!USER.test(user)) throw refuse('must name the user: sftp://user@host/folder');
  if (!HOST.test(host)) throw refuse('must name a host or an IPv4 address');
  const folder = requireFolder(decodeURIComponent(url.pathname).replace(/^\/\//, '/'));
  const at = `${user}@${host}${port === '' ? '' : `:${port}`}`;
  return { kind: 'sftp', url: `sftp://${at}/${folder}`, server: { host, port: Number(port) || SSH_PORT } };
}

function requireFolder(path: string): string {
  const isPlain = FOLDER.test(path) && !path.split('/').includes('..');
  if (isPlain) return path;
  throw refuse('must name a folder by an absolute path without ..');
}

const refuse = (problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { url: problem } });
