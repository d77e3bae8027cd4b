// Facts the control plane keeps about itself, one row each.
import type { Database } from '../db/database.ts';

/** `environment_key`: id of the key that came with the environment; `written_at`: written to see that it can be. */
export type MetaKey = 'admin_key_made' | 'audit_head' | 'environment_key' | 'written_at';

export class MetaStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find(key: MetaKey): string | undefined {
    return this.#db.get<{ value: string }>('SELECT value FROM meta WHERE key = :key', { key })?.value;
  }

  set(key: MetaKey, value: string): void {
    this.#db.run(
      'INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      { key, value },
    );
  }
}
