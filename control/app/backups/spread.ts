// What hosts are told of how their services are backed up: with each deploy and each backup, and at once when it changes.
import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_BACKUP_SETTINGS, type BackupSettings } from '#shared/backup.ts';
import type { BackupRepositoryRecord } from '../../store/customer-records.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';

type Subject = Pick<ServiceRecord, 'id' | 'customerId'>;

/** Where backups of the service go unless somebody names another place; undefined: on its host. */
export function repositoryOf(stores: Stores, { id, customerId }: Subject): BackupRepositoryRecord | undefined {
  const { repositoryId, isLocal } = stores.backupSettings.find(id);
  if (repositoryId !== null) return stores.backupRepositories.find(repositoryId);
  return isLocal ? undefined : stores.backupRepositories.findFor(customerId);
}

/** As its host needs it, with what opens the repository. */
export function settingsFor(stores: Stores, service: Subject): BackupSettings {
  const { consistency, dumps, retention, beforeDeploy } = stores.backupSettings.find(service.id);
  const where = repositoryOf(stores, service);
  const repository = where === undefined ? null : (stores.backupRepositories.specOf(where.id) ?? null);
  return { consistency, dumps, retention, beforeDeploy, repository };
}

/** Undefined where a host does by itself what is wanted: nothing was ever chosen. */
export function toldSettings(stores: Stores, service: Subject): BackupSettings | undefined {
  const settings = settingsFor(stores, service);
  const isUntouched = stores.backupSettings.find(service.id).updatedAt === null;
  return isUntouched && isDeepStrictEqual(settings, DEFAULT_BACKUP_SETTINGS) ? undefined : settings;
}

/** Inside a write. Returns the hosts to nudge. */
export function spreadSettings(stores: Stores, serviceIds: readonly string[]): string[] {
  const services = serviceIds.map((id) => stores.services.find(id)).filter((one) => one !== undefined);
  const told = services.filter(({ hostId }) => stores.hosts.find(hostId)?.revokedAt === null);
  for (const service of told) {
    const settings = settingsFor(stores, service);
    stores.commands.append(service.hostId, { kind: 'backup.settings', serviceId: service.id, settings });
  }
  return [...new Set(told.map(({ hostId }) => hostId))];
}
