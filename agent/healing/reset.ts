// Who starts, restarts, deploys or enables a service takes its failures into their own hands: healing begins anew.
import { isBackupKind } from '#shared/backup.ts';
import type { JobKind } from '#shared/jobs.ts';
import type { ServiceTable } from '../state/services.ts';
import { afterManualRestart, afterOrder, afterReset, NEW_RECORD } from './record.ts';

/** Inside the transaction that accepts the job. A service that is not here yet has nothing to reset. */
export function resetHealing(services: ServiceTable, serviceId: string, kind: JobKind): void {
  if (isBackupKind(kind) || kind === 'propose') return;
  const healing = services.find(serviceId)?.healing;
  if (healing) services.setHealing(serviceId, afterOrder(healing));
}

/** It is enabled: what is down by hand stays down. */
export function forgetFailures(services: ServiceTable, serviceId: string): void {
  const healing = services.find(serviceId)?.healing;
  if (healing) services.setHealing(serviceId, afterReset(healing));
}

/** Inside the transaction that ends the job. */
export function noteManualRestart(services: ServiceTable, serviceId: string, at: number): void {
  services.setHealing(serviceId, afterManualRestart(services.find(serviceId)?.healing ?? NEW_RECORD, at));
}
