// How each service is backed up, as control said last. Sealed: a repository's password is in it. Kept when its service goes,
// like its backups.
import type { BackupSettings } from '#shared/backup.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Sqlite } from '#shared/sqlite.ts';

export class BackupSettingsTable {
  readonly #db: Sqlite;
  readonly #box: SecretBox;

  constructor(db: Sqlite, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  find(serviceId: string): BackupSettings | undefined {
    const sql = 'SELECT sealed FROM backup_settings WHERE service_id = ?';
    const sealed = this.#db.prepare<[string], Buffer>(sql).pluck().get(serviceId);
    return sealed && (JSON.parse(this.#box.open(sealed, contextOf(serviceId))) as BackupSettings);
  }

  put(serviceId: string, settings: BackupSettings): void {
    const sealed = this.#box.seal(JSON.stringify(settings), contextOf(serviceId));
    const sql = `INSERT INTO backup_settings (service_id, sealed) VALUES (?, ?)
      ON CONFLICT (service_id) DO UPDATE SET sealed = excluded.sealed`;
    this.#db.prepare(sql).run(serviceId, sealed);
  }
}

const contextOf = (serviceId: string): string => `backup-settings:${serviceId}`;
