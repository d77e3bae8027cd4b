// Totals of a table by filter, kept between writes: counting 100 000 rows costs more than reading 20. Whoever writes to
// the table forgets what the write may have changed, in the same transaction.
import { sha256 } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { countRows, type Selection } from './page.ts';

/** Each is a filter and a number. */
const MAX_KEPT = 1000;
/** What a list is kept by may hold the id of every host that its caller sees. */
const MAX_PLAIN_NAME = 300;

export class KeptTotals {
  readonly #db: Database;
  readonly #table: string;
  readonly #totals = new Map<string, number>();

  constructor(db: Database, table: string) {
    this.#db = db;
    this.#table = table;
  }

  count(selection: Selection): number {
    const filter = selection.where + shorten(JSON.stringify(selection.params));
    const known = this.#totals.get(filter);
    if (known !== undefined) return known;
    const total = countRows(this.#db, this.#table, selection);
    if (this.#db.isInTransaction) return total; // what is counted now may be rolled back
    if (this.#totals.size >= MAX_KEPT) this.#totals.clear();
    this.#totals.set(filter, total);
    return total;
  }

  forget(isChanged: (filter: string) => boolean): void {
    for (const filter of this.#totals.keys()) if (isChanged(filter)) this.#totals.delete(filter);
  }

  clear(): void {
    this.#totals.clear();
  }
}

/** A name to keep a list or its total by. */
export const shorten = (name: string): string => (name.length > MAX_PLAIN_NAME ? sha256(name) : name);
