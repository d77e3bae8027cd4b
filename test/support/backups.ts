// Repositories as the agent has them, with passwords kept in memory.
import { Repositories } from '../../agent/backup/repositories.ts';
import { Restic, type ResticOptions } from '../../agent/backup/restic.ts';

export function backupsIn(dataDir: string, restic: Partial<ResticOptions> = {}): Repositories {
  const known = new Map<string, string>();
  const passwords = {
    find: (id: string) => known.get(id),
    provide: (id: string) => known.set(id, `password of ${id}`).get(id) ?? '',
  };
  return new Repositories({ dataDir, passwords, restic: new Restic({ home: dataDir, ...restic }) });
}
