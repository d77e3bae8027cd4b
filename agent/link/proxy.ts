// Whether the way to control leads over a proxy, by the variables that curl and others read. Without I/O.
import { BlockList, isIP } from 'node:net';

export interface Proxies {
  /** For an https control plane, and for an http one. */
  https: URL | null;
  http: URL | null;
  /** NO_PROXY: who is called directly. */
  direct: readonly string[];
}

export const NO_PROXIES: Proxies = { https: null, http: null, direct: [] };

const LOOPBACK = /^(localhost|127\.|::1$)/;
const DEFAULT_PORTS: Record<string, string> = { 'https:': '443', 'http:': '80' };

/** Returns the name of a variable that holds no proxy instead. Its text may have a password and is not repeated. */
export function readProxies(env: Readonly<Record<string, string | undefined>>): Proxies | string {
  const found: Proxies = { ...NO_PROXIES, direct: toList(env['no_proxy'] ?? env['NO_PROXY'] ?? '') };
  for (const scheme of ['https', 'http'] as const) {
    const name = [`${scheme}_proxy`, `${scheme}_proxy`.toUpperCase()].find((each) => env[each] !== undefined);
    const text = (name !== undefined && env[name]) || '';
    if (name === undefined || text === '') continue;
    const url = URL.parse(text.includes('://') ? text : `http://${text}`);
    if (!url || !/^https?:$/.test(url.protocol)) return name;
    found[scheme] = url;
  }
  return found;
}

const toList = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');

/** This machine itself is never called over a proxy. */
export function findProxy(target: URL, { https, http, direct }: Proxies): URL | undefined {
  const proxy = target.protocol === 'https:' ? https : http;
  const host = hostOf(target);
  if (!proxy || LOOPBACK.test(host)) return undefined;
  return direct.some((entry) => isMeant(entry, host, portOf(target))) ? undefined : proxy;
}

/** As sockets want it: an IPv6 address without brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

export const portOf = ({ port, protocol }: URL): string => port || (DEFAULT_PORTS[protocol] ?? '');

/** `*`, a range, or a name that stands for those below it as well; each with a port or without. */
function isMeant(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInRange(entry, host);
  const [, bracketed, plain, entryPort] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  const name = (bracketed ?? plain ?? entry).replace(/^\*?\./, ''); // an IPv6 address has colons and no brackets
  if (entryPort !== undefined && entryPort !== port) return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function isInRange(range: string, host: string): boolean {
  const [base = '', bits] = range.split('/');
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(base) === 0 || isIP(host) !== isIP(base) || !/^\d{1,3}$/.test(bits ?? '')) return false;
  if (Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family);
  return list.check(host, family);
}
