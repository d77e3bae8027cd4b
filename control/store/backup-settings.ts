// How services are backed up, as their users chose it.
import { DEFAULT_BACKUP_SETTINGS, type BackupSettings } from '#shared/backup.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';

export interface ChosenSettings extends Omit<BackupSettings, 'repository'> {
  /** Null: that of its customer or plan. */
  repositoryId: string | null;
  /** On its host, whatever its customer or plan has. */
  isLocal: boolean;
  /** Null: nobody has chosen anything. */
  updatedAt: number | null;
}

interface SettingsRow {
  repository_id: string | null;
  is_local: number;
  sealed: Buffer;
  updated_at: number;
}

export class BackupSettingsStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  find(serviceId: string): ChosenSettings {
    const sql = 'SELECT * FROM backup_settings WHERE service_id = :serviceId';
    const row = this.#db.get<SettingsRow>(sql, { serviceId });
    if (!row) return { ...UNCHOSEN, repositoryId: null, isLocal: false, updatedAt: null };
    const chosen = JSON.parse(this.#box.open(row.sealed, contextOf(serviceId))) as typeof UNCHOSEN;
    const { repository_id: repositoryId, is_local: isLocal, updated_at: updatedAt } = row;
    return { ...chosen, repositoryId, isLocal: isLocal === 1, updatedAt };
  }

  put(serviceId: string, { repositoryId, isLocal, updatedAt, ...chosen }: ChosenSettings): void {
    this.#db.run(
      `INSERT INTO backup_settings (service_id, repository_id, is_local, sealed, updated_at)
       VALUES (:serviceId, :repositoryId, :isLocal, :sealed, :updatedAt)
       ON CONFLICT (service_id) DO UPDATE SET repository_id = excluded.repository_id, is_local = excluded.is_local,
         sealed = excluded.sealed, updated_at = excluded.updated_at`,
      {
        serviceId,
        repositoryId,
        isLocal: isLocal ? 1 : 0,
        sealed: this.#box.seal(JSON.stringify(chosen), contextOf(serviceId)),
        updatedAt,
      },
    );
  }
}

const { repository: _, ...UNCHOSEN } = DEFAULT_BACKUP_SETTINGS;
const contextOf = (serviceId: string): string => `backup-settings:${serviceId}`;
