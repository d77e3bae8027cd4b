// A connection whose statements are prepared once. Everything here runs on the event loop, so a statement reads through
// an index or a bounded number of rows; writing goes through writer.ts only.
import { openSqlite, type Sqlite } from '#shared/sqlite.ts';
import { keepBefore } from './keep-before.ts';
import { MIGRATIONS } from './schema.ts';

/** What SQLite stores and gives back; booleans travel as 0 and 1. */
export type SqlValue = string | number | bigint | Buffer | null;
export type SqlParams = Readonly<Record<string, SqlValue>>;

type Statement = ReturnType<Sqlite['prepare']>;

export class Database {
  readonly #sqlite: Sqlite;
  readonly #statements = new Map<string, Statement>();

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- who writes the SQL knows its row
  get<Row>(sql: string, params: SqlParams = {}): Row | undefined {
    return this.#prepare(sql).get(params) as Row | undefined;
  }

  all<Row>(sql: string, params: SqlParams = {}): Row[] {
    return this.#prepare(sql).all(params) as Row[];
  }

  /** Returns how many rows changed. */
  run(sql: string, params: SqlParams = {}): number {
    return this.#prepare(sql).run(params).changes;
  }

  /** False after SQLite itself gave up the transaction (a full disk, an I/O error). */
  get isInTransaction(): boolean {
    return this.#sqlite.inTransaction;
  }

  close(): void {
    this.#statements.clear();
    this.#sqlite.close();
  }

  #prepare(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#sqlite.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

/** Opens control.db at the newest schema. Throws `schema_too_new` for one from the future. */
export function openDatabase(file: string): Database {
  const sqlite = openSqlite(file, MIGRATIONS, keepBefore);
  // Never wait for a foreign lock on the event loop: the writer tries again between other work.
  sqlite.pragma('busy_timeout = 0');
  return new Database(sqlite);
}
