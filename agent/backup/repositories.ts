// The restic repositories of this host, one a service, under its id: names may be given anew, and backups outlive their
// service.
//
//   <dataDir>/backups/<service id>/           restic's own; its password is in the agent's state, sealed
//   <dataDir>/backups/<service id>.new/       one that is being made: it takes its name when it is whole
//   <dataDir>/backups/<service id>.restore    what a restore under way has done (restore-note.ts)
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { reapOrphans } from '../docker/orphan.ts';
import type { BackupPasswords } from '../state/backup-passwords.ts';
import { Repository } from './repository.ts';
import type { Restic } from './restic.ts';

const SERVICE_ID = /^svc_[0-9A-Za-z_-]{1,64}$/;

export interface RepositoriesDeps {
  dataDir: string;
  passwords: Pick<BackupPasswords, 'find' | 'provide'>;
  restic: Restic;
}

export class Repositories {
  readonly #deps: RepositoriesDeps;

  constructor(deps: RepositoriesDeps) {
    this.#deps = deps;
  }

  /** Makes it where there is none. Throws `restic_missing`. No other run may be under way for this service. */
  async open(serviceId: string): Promise<Repository> {
    return (await this.find(serviceId)) ?? this.#make(serviceId);
  }

  /** Undefined when the service was never backed up here. Throws `restic_missing`. */
  async find(serviceId: string): Promise<Repository | undefined> {
    const directory = this.#folderOf(serviceId);
    const { passwords, restic } = this.#deps;
    await restic.requireRecent();
    const password = passwords.find(serviceId);
    if (password === undefined || !existsSync(directory)) return undefined;
    await reapOrphans(directory);
    const repository = new Repository(restic, { directory, password }, serviceId);
    if (await hasLocks(directory)) await repository.unlock();
    return repository;
  }

  /** Where a restore of the service keeps its note. */
  noteOf(serviceId: string): string {
    return `${this.#folderOf(serviceId)}.restore`;
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
