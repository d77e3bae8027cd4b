// Logins that have begun: what the answer of the identity provider is checked against. Each is taken once.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import type { LoginAttemptRecord } from './access-records.ts';

interface AttemptRow {
  state_hash: string;
  browser_hash: string;
  sealed: Buffer;
  return_to: string;
  created_at: number;
}

type Sealed = Pick<LoginAttemptRecord, 'nonce' | 'codeVerifier'>;

export class LoginAttemptStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insert({ nonce, codeVerifier, ...attempt }: LoginAttemptRecord): void {
    const secrets: Sealed = { nonce, codeVerifier };
    this.#db.run(
      `INSERT INTO login_attempts (state_hash, browser_hash, sealed, return_to, created_at)
       VALUES (:stateHash, :browserHash, :sealed, :returnTo, :createdAt)`,
      { ...attempt, sealed: this.#box.seal(JSON.stringify(secrets), contextOf(attempt.stateHash)) },
    );
  }

  /** Gives the attempt and forgets it: a second call finds nothing. */
  take(stateHash: string): LoginAttemptRecord | undefined {
    const row = this.#db.get<AttemptRow>('DELETE FROM login_attempts WHERE state_hash = :stateHash RETURNING *', {
      stateHash,
    });
    return row && this.#toAttempt(row);
  }

  sweep(before: number): number {
    return this.#db.run('DELETE FROM login_attempts WHERE created_at < :before', { before });
  }

  #toAttempt(row: AttemptRow): LoginAttemptRecord {
    return {
      ...(JSON.parse(this.#box.open(row.sealed, contextOf(row.state_hash))) as Sealed),
      stateHash: row.state_hash,
      browserHash: row.browser_hash,
      returnTo: row.return_to,
      createdAt: row.created_at,
    };
  }
}

const contextOf = (stateHash: string): string => `login:${stateHash}`;
