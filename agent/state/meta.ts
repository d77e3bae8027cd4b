// Facts the agent keeps about itself and its control plane: small, one row each.
import type { Sqlite } from '#shared/sqlite.ts';

/** Where control is and who we are to it, written at enrolment; `platform` is what asking the system again would cost.
 * `containerUpdates` are the containers that are being made anew (containers/update.ts); `engineInstance` is the Docker whose containers were put in order last (healing/revival.ts); `revokedAt` is when control shut this host out, empty since it let it in again; `writtenAt` is written to see that it can be. */
export type TextKey =
  | 'containerUpdates'
  | 'engineInstance'
  | 'hostId'
  | 'controlPin'
  | 'controlTlsPin'
  | 'controlUrl'
  | 'tokenId'
  | 'platform'
  | 'writtenAt'
  | 'revokedAt';
/** The highest seen of each. */
export type NumberKey = 'epoch' | 'commandSeq';

export class Meta {
  readonly #select;
  readonly #upsert;

  constructor(db: Sqlite) {
    this.#select = db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
    this.#upsert = db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
  }

  get(key: TextKey): string | undefined {
    return this.#select.get(key);
  }

  /** Control has shut this host out: what control gave it to do rests. */
  get isRevoked(): boolean {
    return (this.get('revokedAt') ?? '') !== '';
  }

  set(key: TextKey, value: string): void {
    this.#upsert.run(key, value);
  }

  /** 0 when it was never set. */
  number(key: NumberKey): number {
    return Number(this.#select.get(key) ?? 0);
  }

  /** Numbers only grow: an old writer cannot turn one back. */
  raise(key: NumberKey, value: number): void {
    if (value > this.number(key)) this.#upsert.run(key, String(value));
  }
}
