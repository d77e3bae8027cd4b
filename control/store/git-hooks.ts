// Push hooks: the secret of each service that has one, whether a push waits for the job that is under way, and which files
// a push must touch.
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';

export class GitHookStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  /** Another secret takes the place of the one before. */
  put(serviceId: string, secret: string): void {
    this.#db.run(
      `INSERT INTO git_hooks (service_id, sealed) VALUES (:serviceId, :sealed)
       ON CONFLICT (service_id) DO UPDATE SET sealed = excluded.sealed`,
      { serviceId, sealed: this.#box.seal(secret, contextOf(serviceId)) },
    );
  }

  findSecret(serviceId: string): string | undefined {
    const sql = 'SELECT sealed FROM git_hooks WHERE service_id = :serviceId';
    const row = this.#db.get<{ sealed: Buffer }>(sql, { serviceId });
    return row && this.#box.open(row.sealed, contextOf(serviceId));
  }

  /** Whether there was one. */
  remove(serviceId: string): boolean {
    return this.#db.run('DELETE FROM git_hooks WHERE service_id = :serviceId', { serviceId }) > 0;
  }

  /** None: every push concerns it. */
  setWatchPaths(serviceId: string, patterns: readonly string[]): void {
    this.#db.run('DELETE FROM git_watches WHERE service_id = :serviceId', { serviceId });
    if (patterns.length === 0) return;
    const sql = 'INSERT INTO git_watches (service_id, patterns) VALUES (:serviceId, :patterns)';
    this.#db.run(sql, { serviceId, patterns: JSON.stringify(patterns) });
  }

  watchPathsOf(serviceId: string): string[] {
    const sql = 'SELECT patterns FROM git_watches WHERE service_id = :serviceId';
    const row = this.#db.get<{ patterns: string }>(sql, { serviceId });
    return row ? (JSON.parse(row.patterns) as string[]) : [];
  }

  setWaiting(serviceId: string, isWaiting: boolean): void {
    const sql = 'UPDATE git_hooks SET is_waiting = :isWaiting WHERE service_id = :serviceId';
    this.#db.run(sql, { serviceId, isWaiting: Number(isWaiting) });
  }

  /** Ids of the services for which a push waits. */
  waiting(): string[] {
    const sql = 'SELECT service_id AS id FROM git_hooks WHERE is_waiting = 1';
    return this.#db.all<{ id: string }>(sql, {}).map(({ id }) => id);
  }

  isWaiting(serviceId: string): boolean {
    const sql = 'SELECT 1 AS found FROM git_hooks WHERE service_id = :serviceId AND is_waiting = 1';
    return this.#db.get<{ found: number }>(sql, { serviceId }) !== undefined;
  }
}

const contextOf = (serviceId: string): string => `git-hook:${serviceId}`;
