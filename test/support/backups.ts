// Repositories as the agent has them, with passwords kept in memory; and the restic that works on one.
import { readdirSync, readFileSync } from 'node:fs';
import type { BackupSettings } from '#shared/backup.ts';
import { Repositories } from '../../agent/backup/repositories.ts';
import { Restic, type ResticOptions } from '../../agent/backup/restic.ts';

export const passwordOf = (serviceId: string): string => `password-of-${serviceId}`;

/** How services are backed up, by id; of those that are not in it as hosts do by themselves. */
export type SettingsById = Map<string, BackupSettings>;

/** `earlier`: services whose repositories an earlier process has made. */
export function backupsIn(
  dataDir: string,
  restic: Partial<ResticOptions> = {},
  settings: SettingsById = new Map(),
  earlier: readonly string[] = [],
): Repositories {
  const known = new Map(earlier.map((id) => [id, passwordOf(id)]));
  const provide = (id: string): string => {
    known.set(id, passwordOf(id));
    return passwordOf(id);
  };
  const passwords = { find: (id: string) => known.get(id), provide };
  return new Repositories({
    dataDir,
    passwords,
    settings: { find: (id) => settings.get(id) },
    restic: new Restic({ home: dataDir, ...restic }),
  });
}

/** Its pid while it runs this command on a repository below the folder. */
export function findRestic(folder: string, command: string): number | undefined {
  const isWanted = (pid: string) =>
    read(pid, 'environ').includes(`\0RESTIC_REPOSITORY=${folder}`) && read(pid, 'cmdline').includes(`\0${command}\0`);
  const found = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && isWanted(pid));
  return found === undefined ? undefined : Number(found);
}

/** Empty for one that is gone meanwhile. */
function read(pid: string, file: string): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/${file}`, 'latin1')}`;
  } catch {
    return '';
  }
}
