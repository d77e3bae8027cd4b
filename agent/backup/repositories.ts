// The restic repositories that this host's services are backed up to: one on the host for each service, under its id
// (names may be given anew, and backups outlive their service), or one elsewhere, which control names.
//
//   <dataDir>/backups/<service id>/           restic's own; its password is in the agent's state, sealed
//   <dataDir>/backups/<service id>.new/       one that is being made: it takes its name when it is whole
//   <dataDir>/backups/<service id>.restore    what a restore under way has done (restore-note.ts)
//   <dataDir>/backups/<service id>.held       containers that stand still for a backup (hold.ts)
//   <dataDir>/backups/<service id>.ssh/       the key of a repository by SFTP, while it is open
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_BACKUP_SETTINGS, type BackupSettings, type RepositorySpec } from '#shared/backup.ts';
import { LongshoreError } from '#shared/errors.ts';
import { reapOrphans } from '../docker/orphan.ts';
import type { BackupPasswords } from '../state/backup-passwords.ts';
import type { BackupSettingsTable } from '../state/backup-settings.ts';
import { Repository } from './repository.ts';
import type { Restic } from './restic.ts';

const SERVICE_ID = /^svc_[0-9A-Za-z_-]{1,64}$/;

export interface RepositoriesDeps {
  dataDir: string;
  passwords: Pick<BackupPasswords, 'find' | 'provide'>;
  settings: Pick<BackupSettingsTable, 'find'>;
  restic: Restic;
}

export class Repositories {
  readonly #deps: RepositoriesDeps;

  constructor(deps: RepositoriesDeps) {
    this.#deps = deps;
  }

  /** How the service is backed up, as control said last. */
  settingsOf(serviceId: string): BackupSettings {
    return this.#deps.settings.find(serviceId) ?? DEFAULT_BACKUP_SETTINGS;
  }

  /**
   * Makes it where there is none. Throws `restic_missing`. No other run may be under way for this service. Whoever opens
   * one disposes of it.
   */
  async open(serviceId: string, where: RepositorySpec | null = null): Promise<Repository> {
    return (
      (await this.find(serviceId, where)) ?? (where ? this.#makeElsewhere(serviceId, where) : this.#make(serviceId))
    );
  }

  /** Undefined when there is none yet, or the service was never backed up here. Throws `restic_missing`. */
  async find(serviceId: string, where: RepositorySpec | null = null): Promise<Repository | undefined> {
    const directory = this.#folderOf(serviceId);
    const { passwords, restic } = this.#deps;
    await restic.requireRecent();
    if (where) return this.#findElsewhere(serviceId, where);
    const password = passwords.find(serviceId);
    if (password === undefined || !existsSync(directory)) return undefined;
    await reapOrphans(directory);
    const repository = new Repository(restic, { directory, password }, serviceId);
    if (await hasLocks(directory)) await repository.unlock();
    return repository;
  }

  /**
   * To read from only, whatever else works on it: nothing is cleared away, and runs of this go by a name of their own.
   * Undefined and throws as `find`.
   */
  async findToRead(serviceId: string, where: RepositorySpec | null): Promise<Repository | undefined> {
    const directory = this.#folderOf(serviceId);
    const { passwords, restic } = this.#deps;
    await restic.requireRecent();
    if (where) return this.#findElsewhere(serviceId, where, `${directory}.${randomBytes(4).toString('hex')}`);
    const password = passwords.find(serviceId);
    if (password === undefined || !existsSync(directory)) return undefined;
    return new Repository(restic, { directory, password }, serviceId);
  }

  /** Throws `restic_missing`. */
  requireRestic(): Promise<void> {
    return this.#deps.restic.requireRecent();
  }

  /** Where a restore of the service keeps its note. */
  noteOf(serviceId: string): string {
    return `${this.#folderOf(serviceId)}.restore`;
  }

  /** Where a backup notes what it holds. */
  heldNoteOf(serviceId: string): string {
    return `${this.#folderOf(serviceId)}.held`;
  }

  async #findElsewhere(serviceId: string, where: RepositorySpec, run?: string): Promise<Repository | undefined> {
    const repository = await this.#reach(serviceId, where, run);
    try {
      if (await repository.exists()) return repository;
    } catch (error) {
      await repository[Symbol.asyncDispose]();
      throw error;
    }
    await repository[Symbol.asyncDispose]();
    return undefined;
  }

  /** Another host may have made it in between: then it is there. */
  async #makeElsewhere(serviceId: string, where: RepositorySpec): Promise<Repository> {
    const repository = await this.#reach(serviceId, where);
    try {
      await repository.init();
    } catch (error) {
      if (await repository.exists().catch(() => false)) return repository;
      await repository[Symbol.asyncDispose]();
      throw error;
    }
    return repository;
  }

  async #reach(serviceId: string, where: RepositorySpec, run?: string): Promise<Repository> {
    const directory = run ?? this.#folderOf(serviceId);
    await mkdir(join(this.#deps.dataDir, 'backups'), { recursive: true, mode: 0o700 });
    await reapOrphans(directory);
    const { reach } = await import('./elsewhere.ts'); // most hosts keep their backups
    const { release, ...elsewhere } = await reach(where, `${directory}.ssh`);
    return new Repository(this.#deps.restic, { directory, password: where.password, elsewhere }, serviceId, release);
  }

  async #make(serviceId: string): Promise<Repository> {
    const { passwords, restic } = this.#deps;
    const directory = this.#folderOf(serviceId);
    requireFree(directory);
    const vault = { directory: `${directory}.new`, password: passwords.provide(serviceId) };
    await reapOrphans(vault.directory);
    await rm(vault.directory, { recursive: true, force: true });
    await mkdir(vault.directory, { recursive: true, mode: 0o700 });
    await new Repository(restic, vault, serviceId).init();
    await rename(vault.directory, directory);
    return new Repository(restic, { ...vault, directory }, serviceId);
  }

  /** A part of a path: it comes from the other side of the wire. */
  #folderOf(serviceId: string): string {
    if (SERVICE_ID.test(serviceId)) return join(this.#deps.dataDir, 'backups', serviceId);
    throw new LongshoreError('protocol_violation', { message: `"${serviceId}" is no id of a service` });
  }
}

/** A new password would not open what is there, and hide that the old one is gone. */
function requireFree(directory: string): void {
  if (!existsSync(directory)) return;
  throw new LongshoreError('backup_failed', {
    message: `The password of the backups in "${directory}" is not in the agent's state`,
    details: 'Put back the agent.db and secret.key of then, or move that folder away to begin anew.',
  });
}

/** Of runs that were killed; looking costs nothing, asking restic half a second. */
async function hasLocks(directory: string): Promise<boolean> {
  const locks = await readdir(join(directory, 'locks')).catch(() => []);
  return locks.length > 0;
}
