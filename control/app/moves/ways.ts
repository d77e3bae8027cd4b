// Which repository carries a service from one host to another.
import { parseRepositoryUrl } from '#shared/backup-url.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { BackupRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import { requireUsable } from '../backups/settings.ts';
import { repositoryOf } from '../backups/spread.ts';

/** Its id: the one that is asked for, else where its backups go, else its customer's or plan's. Throws state_conflict. */
export function requireWay(
  stores: Stores,
  { access, caller }: { access: Access; caller: Caller },
  service: ServiceRecord,
  asked: string | undefined,
): string {
  if (asked !== undefined) requireUsable(access, caller, service, asked);
  const chosen = asked === undefined ? repositoryOf(stores, service) : stores.backupRepositories.find(asked);
  const found = chosen ?? stores.backupRepositories.findFor(service.customerId);
  if (found && isRemote(found.url)) return found.id;
  throw new LongshoreError('state_conflict', {
    message: `Service "${service.name}" has no backup repository that both hosts reach`,
    details:
      'Add one with `longshore backup-repositories add URL`, for its customer or plan, or choose one for this service ' +
      'with `longshore backups settings --repository`, or name one with `--repository`.',
  });
}

/** The newest backup that is not on the host's own disk. */
export function findNewest(stores: Stores, serviceId: string): BackupRecord | undefined {
  return stores.backups.wholeElsewhere(serviceId).find(({ repositoryId }) => {
    const url = stores.backupRepositories.find(repositoryId ?? '')?.url;
    return url !== undefined && isRemote(url);
  });
}

const isRemote = (url: string): boolean => parseRepositoryUrl(url).kind !== 'local';
