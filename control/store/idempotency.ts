// What was done under an Idempotency-Key. A row appears in the same transaction as the effect itself, so a crash leaves
// both or neither; the answer follows when it is known.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';

/** Whose key, and which. */
export interface IdempotencyId {
  keyId: string;
  key: string;
}

export interface IdempotencyRecord {
  fingerprint: string;
  effect: unknown;
  answer: { status: number; body: unknown } | null;
}

export class IdempotencyStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** Takes the place of a row that has outlived its day and was not swept yet. */
  putEffect({ keyId, key }: IdempotencyId, fingerprint: string, effect: unknown, at: number): void {
    this.#db.run(
      `INSERT OR REPLACE INTO idempotency (key_id, key, fingerprint, effect, created_at)
       VALUES (:keyId, :key, :fingerprint, :effect, :at)`,
      { keyId, key, fingerprint, effect: this.#seal(keyId, effect ?? null), at },
    );
  }

  find({ keyId, key }: IdempotencyId, notBefore: number): IdempotencyRecord | undefined {
    const row = this.#db.get<{ fingerprint: string; effect: Buffer; answer: Buffer | null }>(
      'SELECT * FROM idempotency WHERE key_id = :keyId AND key = :key AND created_at >= :notBefore',
      { keyId, key, notBefore },
    );
    if (!row) return undefined;
    return {
      fingerprint: row.fingerprint,
      effect: this.#open(keyId, row.effect),
      answer: row.answer === null ? null : (this.#open(keyId, row.answer) as IdempotencyRecord['answer']),
    };
  }

  /** Makes the row when the work had no effect of its own. */
  putAnswer(
    { keyId, key }: IdempotencyId,
    fingerprint: string,
    answer: { status: number; body: unknown },
    at: number,
  ): void {
    this.#db.run(
      `INSERT INTO idempotency (key_id, key, fingerprint, effect, answer, created_at)
       VALUES (:keyId, :key, :fingerprint, :effect, :answer, :at)
       ON CONFLICT (key_id, key) DO UPDATE SET answer = excluded.answer`,
      { keyId, key, fingerprint, effect: this.#seal(keyId, null), answer: this.#seal(keyId, answer), at },
    );
  }

  sweep(before: number): number {
    return this.#db.run('DELETE FROM idempotency WHERE created_at < :before', { before });
  }

  // An answer may hold a key or a token that is shown once.
  #seal(keyId: string, value: unknown): Buffer {
    return this.#box.seal(JSON.stringify(value), `idempotency:${keyId}`);
  }

  #open(keyId: string, sealed: Buffer): unknown {
    return JSON.parse(this.#box.open(sealed, `idempotency:${keyId}`));
  }
}
