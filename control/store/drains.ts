// What draining a host stopped there, until undoing the drain brings it back.
import type { Database } from '../db/database.ts';
import type { SuspendedFrom } from './records.ts';

export class DrainStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  put(serviceId: string, hostId: string, drainedFrom: SuspendedFrom): void {
    this.#db.run(
      `INSERT INTO drained_services (service_id, host_id, drained_from) VALUES (:serviceId, :hostId, :drainedFrom)
       ON CONFLICT (service_id) DO UPDATE SET host_id = excluded.host_id, drained_from = excluded.drained_from`,
      { serviceId, hostId, drainedFrom },
    );
  }

  find(serviceId: string): SuspendedFrom | null {
    const sql = 'SELECT drained_from AS drainedFrom FROM drained_services WHERE service_id = :serviceId';
    return this.#db.get<{ drainedFrom: SuspendedFrom }>(sql, { serviceId })?.drainedFrom ?? null;
  }

  remove(serviceId: string): void {
    this.#db.run('DELETE FROM drained_services WHERE service_id = :serviceId', { serviceId });
  }
}
