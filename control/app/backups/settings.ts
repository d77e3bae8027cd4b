// How a service is backed up: chosen by its user, told to its host.
import type { Clock } from '#shared/time.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { holds } from '../access/permissions.ts';
import type { BackupSettingsDesk, BackupSettingsInput, ShownBackupSettings } from '../api/backups.ts';
import type { Caller } from '../api/caller.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { repositoryOf, spreadSettings } from './spread.ts';

export interface SettingsDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  links: Pick<HostLinks, 'nudge'>;
  clock: Clock;
}

export class SettingsDesk implements BackupSettingsDesk {
  readonly #deps: SettingsDeps;

  constructor(deps: SettingsDeps) {
    this.#deps = deps;
  }

  show(caller: Caller, serviceId: string): ShownBackupSettings {
    return this.#shown(this.#deps.access.requireService(caller, serviceId));
  }

  put(caller: Caller, serviceId: string, input: BackupSettingsInput): Promise<ShownBackupSettings> {
    const { stores, access, effects, links, clock } = this.#deps;
    return effects.perform(() => (tx) => {
      const service = access.requireService(caller, serviceId);
      requireMayRun(caller, input);
      if (input.repositoryId !== null) requireUsable(access, caller, service, input.repositoryId);
      stores.backupSettings.put(serviceId, { ...input, updatedAt: clock.now() });
      const hosts = spreadSettings(stores, [serviceId]);
      tx.afterCommit(() => hosts.forEach((id) => links.nudge(id)));
      return { id: serviceId, ...this.#shown(service) };
    });
  }

  #shown(service: ServiceRecord): ShownBackupSettings {
    const { stores } = this.#deps;
    return { ...stores.backupSettings.find(service.id), usedRepositoryId: repositoryOf(stores, service)?.id ?? null };
  }
}

/** A program of one's own in a container is what `services.exec` is about. */
function requireMayRun(caller: Caller, { dumps }: BackupSettingsInput): void {
  const isOwn = dumps !== 'auto' && dumps.some(({ kind }) => kind === 'command');
  if (!isOwn || holds(caller.permissions, 'services.exec')) return;
  throw new LongshoreError('forbidden', { message: 'A dump by a command of its own needs services.exec' });
}

/** One that is another customer's is nobody else's, also for an operator who mistook an id. */
export function requireUsable(access: Access, caller: Caller, service: ServiceRecord, repositoryId: string): void {
  const { customerId } = access.requireBackupRepository(caller, repositoryId);
  if (customerId === null || customerId === service.customerId) return;
  throw new LongshoreError('validation_error', { fields: { repository_id: "is another customer's" } });
}
