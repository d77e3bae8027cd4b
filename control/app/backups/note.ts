// A backup's row as it begins, with what its service is now: should that be gone one day, it can be made anew from it.
import type { KeptService } from '../../store/backups.ts';
import type { BackupRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';

export type Begun = Pick<BackupRecord, 'id' | 'jobId' | 'repositoryId' | 'createdAt'>;

export function noteBackup(stores: Stores, service: ServiceRecord, begun: Begun): void {
  const { id: serviceId, name: serviceName, customerId, hostId } = service;
  stores.backups.insert({ ...begun, serviceId, serviceName, customerId, hostId }, keptOf(stores, service));
}

function keptOf(stores: Stores, service: ServiceRecord): KeptService {
  const { displayName, category, method, templateId, labels, rollbackOnFailure, healthTimeoutS } = service;
  const fields = { displayName, category, method, templateId, labels, rollbackOnFailure, healthTimeoutS };
  return { service: fields, source: stores.services.requireSource(service.id) };
}
