// The jobs that hosts give themselves: by a schedule, or by whoever was on the host with `longshore local`. Called inside
// the write that commits the event. Returns what is wrong with it, if anything.
import { bringsSpec, isHostJobKind } from '#shared/jobs.ts';
import { LOCAL_CAUSE } from '#shared/local.ts';
import type { LocalJob } from '#shared/protocol/schedule-parts.ts';
import { noteBackup } from '../app/backups/note.ts';
import type { ServiceRecord } from '../store/records.ts';
import type { Stores } from '../store/stores.ts';

/** A job's row, as for any other: its steps and its end come as events of their own. */
export function noteLocalJob(stores: Stores, hostId: string, job: LocalJob, now: number): string | undefined {
  const { jobId, serviceId, kind, cause, pull = null, backupId = null } = job;
  if (stores.jobs.find(jobId)) return undefined; // told again, by a host whose state was put back
  const service = stores.services.find(serviceId);
  if (service?.hostId !== hostId) {
    const isRemoved = stores.tombstones.find(serviceId)?.hostId === hostId || stores.moves.concerns(serviceId, hostId);
    return isRemoved ? undefined : `A job for service "${serviceId}", which is not of this host`;
  }
  // Its end would count like that of a job from here: a `remove` takes the service away.
  if (!isHostJobKind(kind)) return `A job of its own to ${kind} service "${serviceId}", which no host gives itself`;
  const at = Math.min(job.at, now);
  const about = { serviceId, serviceName: service.name, customerId: service.customerId, hostId };
  const row = { ...about, id: jobId, kind, pull, backupId, cause, expiresAt: null, createdAt: at };
  stores.jobs.insert({ ...row, state: 'accepted' });
  if (kind === 'backup' && backupId !== null) {
    const known = stores.backupRepositories.find(job.repositoryId ?? '')?.id ?? null;
    noteBackup(stores, service, { id: backupId, jobId, repositoryId: known, createdAt: at });
  }
  const type = bringsSpec(kind) ? 'deploy' : kind;
  stores.events.insert({ serviceId, hostId, type, status: 'started', message: `Begun: ${kind} (${cause})`, at });
  if (cause === LOCAL_CAUSE) noteAct(stores, service, job, now);
  return undefined;
}

/** What somebody did on the host counts as what they do through the API, and is in the audit log beside it. */
function noteAct(stores: Stores, { id, hostId, customerId, suspendedFrom }: ServiceRecord, job: LocalJob, now: number) {
  if (job.kind === 'stop' && suspendedFrom !== null) stores.services.setSuspendedFrom(id, null); // it is wanted stopped
  stores.audit.append({
    at: now,
    actorKind: 'system',
    actorId: null,
    actorName: LOCAL_CAUSE,
    action: `services.${job.kind}`,
    method: null,
    path: null,
    targetId: id,
    fields: [],
    customerId,
    hostId,
    jobId: job.jobId,
    address: null,
    requestId: null,
    userAgent: null,
    result: 'ok',
    status: null,
    code: null,
    omitted: 0,
    detail: null,
  });
}
