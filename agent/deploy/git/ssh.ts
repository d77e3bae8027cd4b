// How git reaches a repository by ssh: through a program of ours that becomes ssh with our options. What GIT_SSH names is
// run without a shell, and is given the port, the host and the command; what GIT_SSH_COMMAND says would go through one.
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';

export interface SshAccess {
  /** Made for the work and removed after it, since the key lies in it. */
  folder: string;
  /** Absent: the keys and settings of the user that the agent runs as. */
  key?: string | undefined;
  /** The lines to believe; absent: what the host shows first is written to `knownHostsFile`, and nothing else believed. */
  knownHosts?: string | undefined;
  knownHostsFile: string;
  /** The one address to call, and the name it goes by in known hosts. */
  pinned?: { address: string; alias: string } | undefined;
  searchPath: string;
}

/** Whoever the key belongs to, the host gets nothing of this machine but what git asks for. */
const CAREFUL = [
  'BatchMode=yes',
  'ClearAllForwardings=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'ConnectTimeout=30',
  'ServerAliveInterval=15',
  'ServerAliveCountMax=4',
];
/** With a key of the service's own nothing counts that the user of the agent has. */
const ALONE = [
  'IdentitiesOnly=yes',
  'IdentityAgent=none',
  'PreferredAuthentications=publickey',
  'ProxyCommand=none',
  'ControlPath=none',
  'UpdateHostKeys=no',
  'CheckHostIP=no',
];
/** Lines to believe are not beside others. */
const NO_OTHER_HOSTS = 'GlobalKnownHostsFile=/dev/null';

/** Does the work with what git's environment needs. Fails with `git_failed` where there is no ssh. */
export async function withSsh<T>(
  access: SshAccess,
  work: (environment: Record<string, string>) => Promise<T>,
): Promise<T> {
  const { folder, key, knownHosts, searchPath } = access;
  await rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (key !== undefined) await writeFile(join(folder, 'key'), key, { mode: 0o600, flag: 'wx' });
    if (knownHosts !== undefined) await writeFile(join(folder, 'known_hosts'), `${knownHosts}\n`, { mode: 0o600 });
    const program = join(folder, 'ssh');
    await writeFile(program, programOf(findSsh(searchPath), sshOptions(access)), { mode: 0o700, flag: 'wx' });
    return await work({ GIT_SSH: program, GIT_SSH_VARIANT: 'ssh' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Becomes ssh: the same process, so that whoever ends it ends ssh. */
const programOf = (ssh: string, options: readonly string[]): string =>
  `#!${process.execPath} --no-warnings\n` +
  `process.execve(${JSON.stringify(ssh)}, [...${JSON.stringify(['ssh', ...options])}, ...process.argv.slice(2)]);\n`;

/** Of a connection to one host, whatever goes through it. */
export function sshOptions({
  folder,
  key,
  knownHosts,
  knownHostsFile,
  pinned,
}: Omit<SshAccess, 'searchPath'>): string[] {
  const settings = [...CAREFUL];
  if (key !== undefined) settings.push(...ALONE, `IdentityFile=${quoted(join(folder, 'key'))}`);
  if (key !== undefined || knownHosts !== undefined) settings.push(NO_OTHER_HOSTS);
  if (knownHosts !== undefined) settings.push(`UserKnownHostsFile=${quoted(join(folder, 'known_hosts'))}`);
  else if (key !== undefined) settings.push(`UserKnownHostsFile=${quoted(knownHostsFile)}`);
  settings.push(`StrictHostKeyChecking=${knownHosts === undefined ? 'accept-new' : 'yes'}`);
  if (pinned) settings.push(`Hostname=${pinned.address}`, `HostKeyAlias=${pinned.alias}`);
  return [...(key === undefined ? [] : ['-F', 'none']), ...settings.flatMap((setting) => ['-o', setting])];
}

/** ssh_config(5): a path may have spaces in quotes, and `%` begins a token. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`;

function findSsh(searchPath: string): string {
  const places = searchPath.split(':').map((folder) => join(folder, 'ssh'));
  const found = places.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new LongshoreError('git_failed', { details: 'The host has no ssh: install openssh-client, or use https' });
}
