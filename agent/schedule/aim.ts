// Which services of this host a schedule is for, and which of them it must leave alone, with the reason. Pure.
import type { JobKind } from '#shared/jobs.ts';
import type { DeployMethod } from '#shared/model.ts';
import type { ScheduleKind, ScheduleSpec } from '#shared/schedule/schedule.ts';

export interface Candidate {
  id: string;
  name: string;
  customerId: string | null;
  labels: Record<string, string>;
  method: DeployMethod;
  desired: 'running' | 'stopped';
  isEnabled: boolean;
  goodRevision: number | null;
  isSetMember: boolean;
  /** Kind of a job that has not ended. */
  openJob: JobKind | undefined;
}

export interface Aim {
  serviceId: string;
  serviceName: string;
  /** Null: it is to be done. */
  skip: string | null;
}

/** By name, so that each run takes the same order. */
export function aim(spec: ScheduleSpec, candidates: readonly Candidate[]): Aim[] {
  return candidates
    .filter((one) => isMeant(spec, one))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((one) => ({ serviceId: one.id, serviceName: one.name, skip: reasonToSkip(spec, one) }));
}

function isMeant({ targets, customerId }: ScheduleSpec, { id, labels, ...one }: Candidate): boolean {
  if (customerId !== null && one.customerId !== customerId) return false;
  if ('serviceId' in targets) return targets.serviceId === id;
  if ('serviceIds' in targets) return targets.serviceIds.includes(id);
  if ('isAll' in targets) return true;
  return Object.entries(targets.labels).every(([name, value]) => labels[name] === value);
}

/** Work on something that runs: what a user stopped stays stopped. */
const ON_RUNNING: readonly ScheduleKind[] = ['restart', 'redeploy', 'update', 'exec'];

/** Null: it is to be done. Asked when a run begins, and again at the turn of each service. */
export function reasonToSkip({ kind, heldCustomers }: ScheduleSpec, one: Candidate): string | null {
  if (one.openJob === 'remove') return 'it is being removed';
  if (one.goodRevision === null) return 'it was never deployed';
  if (!one.isEnabled && kind !== 'stop' && kind !== 'backup' && kind !== 'drill') return 'it is disabled';
  if (ON_RUNNING.includes(kind) && one.desired === 'stopped') return 'it is stopped';
  if (kind === 'stop' && one.desired === 'stopped') return 'it is stopped already';
  if (kind === 'start' && one.customerId !== null && heldCustomers.includes(one.customerId))
    return 'its customer is suspended';
  if (kind === 'exec' && one.openJob) return `it is busy: ${one.openJob}`;
  return kind === 'redeploy' || kind === 'update' ? reasonNotToDeploy(one) : null;
}

function reasonNotToDeploy({ method, isSetMember }: Candidate): string | null {
  if (isSetMember) return 'its set redeploys it'; // in waves, which stop where one fails
  return method === 'ai' ? 'deploys by AI are asked for one by one' : null;
}
