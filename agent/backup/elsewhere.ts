// How restic reaches a repository outside of this host: its address judged, its credentials at hand for as long as it is
// open. Secrets go into restic's environment or a file of ours, never into an argument.
import { lookup } from 'node:dns/promises';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { isCallable } from '#shared/address.ts';
import type { RepositorySpec } from '#shared/backup.ts';
import { CREDENTIAL_NAMES, parseRepositoryUrl, type RepositoryPlace } from '#shared/backup-url.ts';
import { LongshoreError } from '#shared/errors.ts';
import { sshOptions } from '../deploy/git/ssh.ts';
import type { Elsewhere } from './restic.ts';

export interface Reached extends Elsewhere {
  /** Takes the key away again. */
  release: () => Promise<void>;
}

/**
 * `folder`: for what must be a file, ours alone. Throws `egress_denied` for a server that must not be called,
 * `backup_failed` for one that has no address.
 */
export async function reach(spec: RepositorySpec, folder: string): Promise<Reached> {
  const place = parseRepositoryUrl(spec.url);
  const address = await judgedAddressOf(place);
  const env = Object.fromEntries(
    Object.entries(spec.env).filter(([name]) => CREDENTIAL_NAMES[place.kind].includes(name)),
  );
  const elsewhere = { url: place.url, env };
  if (place.kind !== 'sftp' || !place.server) return { ...elsewhere, settings: [], release: async () => undefined };
  await layOut(spec, folder);
  const { host, port } = place.server;
  const alias = port === SSH_PORT ? host : `[${host}]:${port}`;
  const { privateKey: key, knownHosts } = spec;
  const options = sshOptions({
    folder,
    key,
    knownHosts,
    knownHostsFile: join(folder, 'known_hosts'),
    pinned: { address, alias },
  });
  // restic reads an option as a line of CSV and then splits it as a shell would; it runs none.
  const args = options.map((option) => `'${option}'`).join(' ');
  const setting = `"sftp.args=${args.replaceAll('"', '""')}"`;
  const release = () => rm(folder, { recursive: true, force: true });
  return { ...elsewhere, settings: ['-o', setting], release };
}

const SSH_PORT = 22;

async function layOut({ privateKey, knownHosts }: RepositorySpec, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = { key: privateKey, known_hosts: knownHosts };
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) await writeFile(join(folder, name), `${text.trimEnd()}\n`, { mode: 0o600, flag: 'wx' });
  }
}

/** An operator's own networks are fine; what a cloud tells its machines is not. */
async function judgedAddressOf({ server }: RepositoryPlace): Promise<string> {
  if (!server) return '';
  const { host } = server;
  const found = isIP(host) ? [host] : await resolve(host);
  const refused = found.find((one) => !isCallable(one, { allowsPrivate: true }));
  if (refused !== undefined) throw new LongshoreError('egress_denied', { details: `"${host}" is at ${refused}` });
  return found.find((one) => isIP(one) === 4) ?? found[0] ?? host;
}

async function resolve(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    const message = 'Cannot open the repository';
    throw new LongshoreError('backup_failed', { message, details: `could not resolve host "${host}"`, cause });
  }
}
