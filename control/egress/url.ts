// Which URLs may be called at a user's word, as far as the text can tell. Pure: a name is looked up only when it is
// called, by guard.ts, because what it resolves to now says nothing of then.
import { LongshoreError } from '#shared/errors.ts';
import { isAddress, isCallable, type AddressRules } from '#shared/address.ts';

/** Below it only the two of the web: what else listens there (SSH, SMTP, DNS, SMB …) is no web server. */
const FIRST_FREE_PORT = 1024;
const WEB_PORTS: readonly number[] = [80, 443];
/** Above it: engines, key stores and databases, which take HTTP or a line of it for a command. */
const REFUSED_PORTS: readonly number[] = [
  2049, // NFS
  2375, // Docker
  2376,
  2377,
  2379, // etcd
  2380,
  3306, // MySQL
  5432, // PostgreSQL
  5672, // AMQP
  6379, // Redis
  6443, // Kubernetes
  9200, // Elasticsearch
  9300,
  10_250, // kubelet
  10_255,
  11_211, // memcached
  27_017, // MongoDB
];
const LOCAL_NAME = /^localhost$|\.(localhost|local|internal)$/;
const MAX_URL_CHARS = 2048;

/** The URL as WHATWG writes it. Throws `egress_denied` with `fields.url`. */
export function requireCallableUrl(text: string, rules: AddressRules): URL {
  const url = text.length > MAX_URL_CHARS ? null : URL.parse(text);
  const problem = url ? problemOf(url, rules) : `is no URL of at most ${MAX_URL_CHARS} characters`;
  if (url && problem === undefined) return url;
  throw new LongshoreError('egress_denied', {
    message: `Cannot call this URL: it ${problem}`,
    fields: { url: problem ?? '' },
  });
}

/** The parser has folded `127.1`, `0x7f000001`, `①②⑦.⓪.⓪.①` and their like into plain addresses before. */
function problemOf(url: URL, rules: AddressRules): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is neither http nor https';
  if (url.username !== '' || url.password !== '') return 'holds a user name or password';
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (!isPortCallable(port)) return `names port ${port}, which is refused`;
  const host = hostOf(url);
  if (isAddress(host)) return isCallable(host, rules) ? undefined : 'names an address that is not public';
  const isLocal = LOCAL_NAME.test(host.toLowerCase().replace(/\.+$/, ''));
  return isLocal && !rules.allowsPrivate ? 'names a host that is not public' : undefined;
}

/** Without the brackets of IPv6. */
export const hostOf = ({ hostname }: Pick<URL, 'hostname'>): string => hostname.replace(/^\[|\]$/g, '');

const isPortCallable = (port: number): boolean =>
  WEB_PORTS.includes(port) || (port >= FIRST_FREE_PORT && !REFUSED_PORTS.includes(port));
