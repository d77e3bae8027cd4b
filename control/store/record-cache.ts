// Records that were read lately, so that a list which is asked for every few seconds reads its rows once. What it gives
// is the same object until the row changes: whoever makes something of a record may keep that by the record.
//
//   * Each write to a row forgets its record in the same transaction.
//   * Until the transaction is over nothing new is kept: what is read then may be rolled back.
import type { Database } from '../db/database.ts';

export class RecordCache<T extends object> {
  readonly #db: Database;
  readonly #limit: number;
  /** The one that was read first comes first. */
  readonly #records = new Map<string, T>();

  /** `limit`: records that are kept; the caller knows how large they are. */
  constructor(db: Database, limit: number) {
    this.#db = db;
    this.#limit = limit;
  }

  /** `load` reads the row; what it does not find is not kept. */
  find(id: string, load: () => T | undefined): T | undefined {
    return this.#records.get(id) ?? this.#keep(id, load());
  }

  forget(id: string): void {
    this.#records.delete(id);
  }

  clear(): void {
    this.#records.clear();
  }

  #keep(id: string, record: T | undefined): T | undefined {
    if (!record || this.#db.isInTransaction) return record;
    if (this.#records.size >= this.#limit) this.#records.delete(this.#records.keys().next().value as string);
    this.#records.set(id, Object.freeze(record));
    return record;
  }
}
