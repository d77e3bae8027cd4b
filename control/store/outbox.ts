// Timeline events that webhooks have not been told of yet, in the order they were written. EventStore writes a row with
// each event, in the same transaction; whoever spreads them takes the rows in the transaction of the deliveries.
import type { Database } from '../db/database.ts';

export interface OutboxRow {
  seq: number;
  eventId: string;
}

export class OutboxStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The oldest ones. */
  next(limit: number): OutboxRow[] {
    return this.#db
      .all<{ seq: number; event_id: string }>('SELECT seq, event_id FROM outbox ORDER BY seq LIMIT :limit', { limit })
      .map(({ seq, event_id: eventId }) => ({ seq, eventId }));
  }

  get isEmpty(): boolean {
    return this.#db.get('SELECT 1 FROM outbox LIMIT 1') === undefined;
  }

  /** The last number ever given, also when its row is gone. */
  lastSeq(): number {
    return this.#db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")?.seq ?? 0;
  }

  remove(upTo: number): void {
    this.#db.run('DELETE FROM outbox WHERE seq <= :upTo', { upTo });
  }
}
