// What is to answer to names on this host, as control said last. Sealed: keys of certificates are in it.
import type { EdgePart, EdgeState } from '#shared/protocol/edge-parts.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';

const CONTEXT = 'edge';

export class EdgeTable {
  readonly #db: Sqlite;
  readonly #box: SecretBox;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** Undefined until control has said anything. */
  find(): EdgeState | undefined {
    const sealed = this.#db.prepare<[], Buffer>('SELECT sealed FROM edge').pluck().get();
    return sealed && this.#open(sealed);
  }

  /**
   * The latest word counts, whatever its revision: a control plane that is back from a backup counts from there. A part
   * changes nothing until the last of its revision is here.
   */
  put(state: EdgeState, part: EdgePart = { index: 0, of: 1 }): void {
    const { revision } = state;
    if (part.index === 0) this.#db.prepare('DELETE FROM edge_parts').run();
    const sql = 'INSERT OR REPLACE INTO edge_parts (position, revision, sealed) VALUES (:index, :revision, :sealed)';
    this.#db.prepare(sql).run({ index: part.index, revision, sealed: this.#seal(state) });
    const parts = this.#partsOf(revision);
    if (parts.length < part.of) return;
    const whole = {
      ...state,
      routes: parts.flatMap(({ routes }) => routes),
      certificates: parts.flatMap(({ certificates }) => certificates),
    };
    this.#db.prepare('DELETE FROM edge_parts').run();
    const replace = 'INSERT OR REPLACE INTO edge (id, revision, sealed) VALUES (1, :revision, :sealed)';
    this.#db.prepare(replace).run({ revision, sealed: this.#seal(whole) });
  }

  #partsOf(revision: number): EdgeState[] {
    const sql = 'SELECT sealed FROM edge_parts WHERE revision = :revision ORDER BY position';
    const sealed = this.#db.prepare<{ revision: number }, Buffer>(sql).pluck().all({ revision });
    return sealed.map((each) => this.#open(each));
  }

  #seal(state: EdgeState): Buffer {
    return this.#box.seal(JSON.stringify(state), CONTEXT);
  }

  #open(sealed: Buffer): EdgeState {
    return JSON.parse(this.#box.open(sealed, CONTEXT)) as EdgeState;
  }
}
