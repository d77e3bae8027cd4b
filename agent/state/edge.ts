// What is to answer to names on this host, as control said last. Sealed: keys of certificates are in it.
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
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
    return sealed && (JSON.parse(this.#box.open(sealed, CONTEXT)) as EdgeState);
  }

  /** An older revision than the one that is there changes nothing. */
  put(state: EdgeState): void {
    const sealed = this.#box.seal(JSON.stringify(state), CONTEXT);
    const sql = `INSERT INTO edge (id, revision, sealed) VALUES (1, :revision, :sealed)
      ON CONFLICT (id) DO UPDATE SET revision = :revision, sealed = :sealed WHERE :revision > revision`;
    this.#db.prepare(sql).run({ revision: state.revision, sealed });
  }
}
