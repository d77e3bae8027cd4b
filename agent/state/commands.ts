// The receiving end of the sequence "commands down": which numbers are taken, by what, and what was refused, so that a
// repeat after a lost acknowledgement gets the same answer.
import type { WireError } from '#shared/errors.ts';
import type { Sqlite } from '#shared/sqlite.ts';
import type { Meta } from './meta.ts';

/** Far more than control keeps in flight; older numbers are acknowledged without a look at their content. */
const KEPT_COMMANDS = 4096;

export class CommandLog {
  readonly #db: Sqlite;
  readonly #meta: Meta;

  constructor(db: Sqlite, meta: Meta) {
    this.#db = db;
    this.#meta = meta;
  }

  /** Highest command committed. */
  get last(): number {
    return this.#meta.number('commandSeq');
  }

  find(seq: number): { digest: string; refusal: WireError | null } | undefined {
    const sql = 'SELECT digest, refusal FROM commands WHERE seq = ?';
    const row = this.#db.prepare<[number], { digest: string; refusal: string | null }>(sql).get(seq);
    return row && { digest: row.digest, refusal: row.refusal === null ? null : (JSON.parse(row.refusal) as WireError) };
  }

  add(seq: number, digest: string, refusal: WireError | null): void {
    const text = refusal && JSON.stringify(refusal);
    this.#db.prepare('INSERT INTO commands VALUES (?, ?, ?)').run(seq, digest, text);
    this.#db.prepare('DELETE FROM commands WHERE seq <= ?').run(seq - KEPT_COMMANDS);
    this.#meta.raise('commandSeq', seq);
  }
}
