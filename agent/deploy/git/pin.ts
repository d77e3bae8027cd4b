// Holds git to the public addresses of a stranger's repository: looked up once, judged, and told to git, so that nobody's
// DNS answers differently a moment later.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isCallable } from '#shared/address.ts';
import { LongshoreError } from '#shared/errors.ts';

export interface Pinned {
  /** As it was judged: git and curl must not read the text in a way of their own. */
  url: string;
  /** Arguments of git. */
  settings: string[];
}

/** For ssh, which takes one address; most hosts have IPv4. Fails with `egress_denied`, `git_failed`. */
export async function pinSsh({
  host,
  port,
}: {
  host: string;
  port: number;
}): Promise<{ address: string; alias: string }> {
  const addresses = await publicAddressesOf(host);
  const [address = ''] = [...addresses.filter((one) => isIP(one) === 4), ...addresses];
  return { address, alias: port === SSH_PORT ? host : `[${host}]:${port}` };
}

const SSH_PORT = 22;

/** Fails with `unsafe_git_url`, `egress_denied`, `git_failed`. */
export async function pinPublic(text: string): Promise<Pinned> {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:')
    throw new LongshoreError('unsafe_git_url', { details: 'Only https:// is allowed here' });
  const { href: url, hostname, port } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = await publicAddressesOf(host);
  const pins = isIP(host) ? [] : [`http.curloptResolve=${host}:${port || '443'}:${addresses.join(',')}`];
  return { url, settings: ['http.followRedirects=false', ...pins].flatMap((setting) => ['-c', setting]) };
}

async function publicAddressesOf(host: string): Promise<string[]> {
  const found = isIP(host) ? [host] : await resolve(host);
  const addresses = found.filter((one) => isCallable(one, { allowsPrivate: false }));
  if (addresses.length > 0) return addresses;
  throw new LongshoreError('egress_denied', { details: `"${host}" has no public address` });
}

async function resolve(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new LongshoreError('git_failed', { details: `could not resolve host "${host}"`, cause: error });
  }
}

/** Older ones ignore `http.curloptResolve` and would ask DNS themselves. */
const PINNING_SINCE = [2, 37] as const;

/** `line`: what `git version` says. Throws `git_failed`. */
export function requirePinning(line: string): void {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(line) ?? [];
  const [leastMajor, leastMinor] = PINNING_SINCE;
  if (Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)) return;
  throw new LongshoreError('git_failed', {
    details: `The host has "${line}"; for this repository it needs git ${PINNING_SINCE.join('.')} or newer`,
  });
}
