// Shutting a host out: its link closes, what it was doing is over as far as we will ever know, and its containers run on.
import type { Clock } from '#shared/time.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { JobEnds } from '../jobs/job-ends.ts';
import type { HostLinks } from './host-links.ts';

export interface ShutOutDeps {
  stores: Stores;
  ends: JobEnds;
  links: Pick<HostLinks, 'drop'>;
  incidents: IncidentLog;
  clock: Clock;
}

/** Done twice it changes nothing. */
export function shutOut(deps: ShutOutDeps, tx: WriteContext, { id, name, revokedAt }: HostRecord): void {
  if (revokedAt !== null) return;
  const { stores, ends, links, incidents, clock } = deps;
  const now = clock.now();
  stores.hosts.revoke(id, now);
  stores.hosts.setOnline(id, false);
  incidents.dismiss(tx, id, now);
  stores.commands.removeAll(id);
  stores.schedules.forgetSent(id);
  stores.hostEdges.forgetSent(id);
  const error = { code: 'revoked', message: `Host "${name}" was revoked` };
  for (const job of stores.jobs.openOfHost(id)) {
    if (!isJobEnd(job.state)) ends.abandon(tx, job.id, 'failed', error, now);
  }
  stores.events.insert({ hostId: id, type: 'host', status: 'revoked', message: error.message, at: now });
  tx.afterCommit(() => links.drop(id));
}
