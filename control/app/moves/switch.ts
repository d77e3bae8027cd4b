// The moment in which a service becomes its new host's: in the same write as the end of the deploy that proved it there.
import type { JobEnd } from '../../store/jobs.ts';
import type { JobRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import { nextRevision, spreadSchedule } from '../schedules/spread.ts';

/** Names and DNS records follow the host of a service by themselves; schedules are taken along. */
export function switchHost(stores: Stores, { id: jobId, serviceId, hostId }: JobRecord, end: JobEnd): void {
  const move = stores.moves.findByDeploy(jobId);
  if (move?.state !== 'running' || end.state !== 'succeeded' || !stores.services.find(serviceId)) return;
  stores.moves.setSwitched(move.id, end.finishedAt);
  stores.services.setHost(serviceId, hostId);
  stores.drains.remove(serviceId);
  for (const known of [...stores.schedules.ofService(serviceId), ...stores.schedules.naming(serviceId)]) {
    const schedule = { ...known, revision: nextRevision(known, end.finishedAt) };
    stores.schedules.put(schedule);
    spreadSchedule(stores, schedule);
  }
}
