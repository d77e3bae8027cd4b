// Which hosts the control plane has not met since it was restored from a backup.
import type { Database } from '../db/database.ts';

export class RestoredHosts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** At a restore: from here on the memory of each is another than ours. Returns how many there are. */
  addAll(): number {
    return this.#db.run('INSERT OR IGNORE INTO restored_hosts (host_id) SELECT id FROM hosts');
  }

  /** At a welcome. True when it is the first since the restore. */
  take(hostId: string): boolean {
    return this.#db.run('DELETE FROM restored_hosts WHERE host_id = :hostId', { hostId }) > 0;
  }
}
