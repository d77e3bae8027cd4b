// Containers that a service took over as they were. Docker takes no label for a container that exists, so this table
// says what a label says of the others: whose it is, and which compose service. Ids are never used twice: a row whose
// container is gone says nothing, but costs each list a look. It goes when Docker tells of it, when its service takes
// containers over again, and with its service (see ServiceTable.remove).
import type { AdoptedContainer } from '#shared/jobs.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Sqlite } from '#shared/sqlite.ts';

export interface Adopted extends AdoptedContainer {
  serviceId: string;
  /** The service's name, which is the Compose project it counts to. */
  project: string;
}

export class AdoptedTable {
  readonly #db: Sqlite;
  readonly #all;
  readonly #byId;

  constructor(db: Sqlite) {
    this.#db = db;
    const columns = 'container_id AS id, compose_service AS service, service_id AS serviceId, project';
    this.#all = db.prepare<[], Adopted>(`SELECT ${columns} FROM adopted ORDER BY container_id`);
    this.#byId = db.prepare<[string], Adopted>(`SELECT ${columns} FROM adopted WHERE container_id = ?`);
  }

  all(): Adopted[] {
    return this.#all.all();
  }

  find(containerId: string): Adopted | undefined {
    return this.#byId.get(containerId);
  }

  forget(containerId: string): void {
    this.#db.prepare('DELETE FROM adopted WHERE container_id = ?').run(containerId);
  }

  /** All that their services have taken over; all or none. Throws `state_conflict` for a container of another service. */
  put(rows: readonly Adopted[]): void {
    const insert = this.#db.prepare('INSERT INTO adopted VALUES (?, ?, ?, ?) ON CONFLICT (container_id) DO NOTHING');
    const clear = this.#db.prepare('DELETE FROM adopted WHERE service_id = ?');
    this.#db.transaction(() => {
      for (const serviceId of new Set(rows.map((row) => row.serviceId))) clear.run(serviceId);
      for (const { id, service, serviceId, project } of rows) {
        insert.run(id, service, serviceId, project);
        const owner = this.find(id);
        if (owner?.serviceId === serviceId) continue;
        throw new LongshoreError('state_conflict', { message: `Service "${owner?.project}" has adopted it already` });
      }
    })();
  }
}
