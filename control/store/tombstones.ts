// Services that were removed on request. Only this makes a host forget one: a row that is merely missing never does.
import type { Database } from '../db/database.ts';

export interface Tombstone {
  serviceId: string;
  hostId: string;
  revision: number;
  at: number;
}

export class TombstoneStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  put(tombstone: Tombstone): void {
    this.#db.run(
      `INSERT INTO tombstones (service_id, host_id, revision, at) VALUES (:serviceId, :hostId, :revision, :at)
       ON CONFLICT (service_id) DO UPDATE SET revision = excluded.revision, at = excluded.at`,
      { ...tombstone },
    );
  }

  find(serviceId: string): Tombstone | undefined {
    return this.#db.get<Tombstone>(
      'SELECT service_id AS serviceId, host_id AS hostId, revision, at FROM tombstones WHERE service_id = :serviceId',
      { serviceId },
    );
  }
}
