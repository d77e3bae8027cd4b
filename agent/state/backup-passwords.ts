// What each service's backups are encrypted with. Made once, never changed, never removed: without it they are lost.
import { randomBytes } from 'node:crypto';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';

const PASSWORD_BYTES = 32;

export class BackupPasswords {
  readonly #db: Sqlite;
  readonly #box: SecretBox;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  find(serviceId: string): string | undefined {
    const sql = 'SELECT password FROM backup_passwords WHERE service_id = ?';
    const sealed = this.#db.prepare<[string], Buffer>(sql).pluck().get(serviceId);
    return sealed && this.#box.open(sealed, contextOf(serviceId));
  }

  /** The one that is there, or a new one, which is on disk when this returns. */
  provide(serviceId: string): string {
    const known = this.find(serviceId);
    if (known !== undefined) return known;
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    const sealed = this.#box.seal(password, contextOf(serviceId));
    this.#db.prepare('INSERT INTO backup_passwords (service_id, password) VALUES (?, ?)').run(serviceId, sealed);
    return password;
  }
}

const contextOf = (serviceId: string): string => `backup:${serviceId}`;
