// What suspending and resuming a customer mean for one of its services. Pure: the service and its open jobs in, what to
// do out. What a service is at is said by the last thing asked of it, where that has not ended, and else by its host.
import { isBackupKind } from '#shared/backup.ts';
import { isDeployKind } from '#shared/jobs.ts';
import type { JobRecord, ServiceRecord, SuspendedFrom } from '../../store/records.ts';

export interface SuspendStep {
  /** What resuming brings back. */
  from: SuspendedFrom | null;
  /**
   * `stop`: call off what is open and stop it. `call_off`: the host never heard of it, so calling off is enough.
   * `leave`: it does not run, is being removed, or is being stopped already.
   */
  action: 'stop' | 'call_off' | 'leave';
}

type Service = Pick<ServiceRecord, 'lifecycle' | 'deployedAt' | 'report' | 'suspendedFrom' | 'isEnabled'>;
type OpenJob = Pick<JobRecord, 'kind' | 'state' | 'expiresAt'>;

/** `open`: jobs that have not ended, oldest first. */
export function planSuspend(service: Service, open: readonly OpenJob[]): SuspendStep {
  // A backup says nothing of what should run, nor does a proposal.
  const last = open.findLast(({ kind }) => !isBackupKind(kind) && kind !== 'propose');
  if (open.some(({ kind }) => kind === 'remove')) return { from: null, action: 'leave' };
  const from = pursuitOf(service, last);
  // One that expires would leave the service running when its host comes back late.
  if (last?.kind === 'stop' && last.expiresAt === null) return { from, action: 'leave' };
  // A restore stops containers and starts them again: what its host said in between is no proof that they stay down.
  const mayRun = last?.kind === 'stop' || hasLiveContainers(service) || open.some(({ kind }) => kind === 'restore');
  if (from === null && !mayRun) return { from, action: 'leave' };
  return { from, action: isOnHost(service, open) ? 'stop' : 'call_off' };
}

/** Null: there is nothing to bring back. */
export function planResume({ suspendedFrom, isEnabled }: Service, open: readonly OpenJob[]): 'start' | 'deploy' | null {
  if (suspendedFrom === null || !isEnabled || open.some(({ kind }) => kind === 'remove')) return null;
  return suspendedFrom === 'deploying' ? 'deploy' : 'start';
}

function pursuitOf({ lifecycle }: Service, last: OpenJob | undefined): SuspendedFrom | null {
  if (last?.kind === 'stop') return null;
  if (last) return isDeployKind(last.kind) ? 'deploying' : 'running';
  return lifecycle === 'running' || lifecycle === 'deploying' ? lifecycle : null;
}

/** A failed service may still have some that run, or that Docker starts over and over. */
const hasLiveContainers = ({ report }: Service): boolean =>
  report?.containers.some(({ state }) => state === 'running' || state === 'restarting' || state === 'paused') ?? false;

const isOnHost = ({ deployedAt, report }: Service, open: readonly OpenJob[]): boolean =>
  deployedAt !== null || report !== null || open.some(({ state }) => state !== 'queued');
