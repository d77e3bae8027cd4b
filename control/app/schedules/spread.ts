// Which hosts a schedule is meant for, and the commands that bring each what it has not got. Called inside writes; the
// callers that want it at once nudge, and reconcile finds the rest.
import type { Stores } from '../../store/stores.ts';
import type { HostPlace } from '../../store/hosts.ts';
import type { ScheduleRecord } from '../../store/schedules.ts';
import { hasLabels } from '../access/access.ts';

/** Sends a schedule wherever it is meant, and takes it back from where it no longer is. Returns the hosts. */
export function spreadSchedule(stores: Stores, schedule: ScheduleRecord): string[] {
  const meant = hostsOf(stores, schedule);
  const isMeant = new Set(meant);
  const former = stores.schedules.sentTo(schedule.id).filter((id) => !isMeant.has(id));
  for (const hostId of meant) send(stores, schedule, hostId);
  for (const hostId of former) takeBack(stores, schedule, hostId);
  return [...meant, ...former];
}

/** Sends a host what it lacks: it is new, was away, or has forgotten. */
export function spreadToHost(stores: Stores, hostId: string): void {
  for (const schedule of stores.schedules.unsentTo(hostId)) {
    if (hostsOf(stores, schedule, [hostId]).length > 0) send(stores, schedule, hostId);
  }
}

/** For good, from all hosts. Returns them. */
export function withdrawSchedule(stores: Stores, schedule: ScheduleRecord): string[] {
  const hosts = stores.schedules.sentTo(schedule.id);
  for (const hostId of hosts) takeBack(stores, schedule, hostId);
  stores.schedules.remove(schedule.id);
  return hosts;
}

/** A customer was suspended or resumed, or a host drained or undrained: schedules that start services must know. */
export function respreadStarts(stores: Stores, now: number): void {
  for (const known of stores.schedules.ofKind('start')) {
    const schedule = { ...known, revision: nextRevision(known, now) };
    stores.schedules.put(schedule);
    spreadSchedule(stores, schedule);
  }
}

/** The labels of hosts have changed. */
export function respreadByLabels(stores: Stores): void {
  for (const schedule of stores.schedules.ofLabels()) spreadSchedule(stores, schedule);
}

/** Grows, also past what a control plane had given that was lost and restored from a backup. */
export const nextRevision = ({ revision }: Pick<ScheduleRecord, 'revision'>, now: number): number =>
  Math.max(revision + 1, now);

/** Those that are not revoked; a drained one has nothing started. */
export function hostsOf(stores: Stores, { kind, targets, hostLabels }: ScheduleRecord, among?: string[]): string[] {
  const named = namedIn(targets);
  const hosts = named && new Set(named.map((id) => stores.services.find(id)?.hostId));
  const isMeant = ({ id, labels, revokedAt, drainedAt }: HostPlace) =>
    revokedAt === null &&
    (kind !== 'start' || drainedAt === null) &&
    (hosts ? hosts.has(id) : hasLabels(labels, hostLabels ?? {}));
  const asked = among ?? (hosts && [...hosts].filter((id) => id !== undefined));
  const places = stores.hosts.places(asked);
  return places.filter(isMeant).map(({ id }) => id);
}

/** Undefined: hosts look for themselves which services are meant. */
export function namedIn(targets: ScheduleRecord['targets']): string[] | undefined {
  if ('serviceId' in targets) return [targets.serviceId];
  return 'serviceIds' in targets ? targets.serviceIds : undefined;
}

/** A service is gone: what was for it alone goes with it. */
export function forgetService(stores: Stores, serviceId: string, now: number): void {
  for (const schedule of stores.schedules.ofService(serviceId)) withdrawSchedule(stores, schedule);
  for (const known of stores.schedules.naming(serviceId)) {
    const serviceIds = (namedIn(known.targets) ?? []).filter((id) => id !== serviceId);
    if (serviceIds.length === 0) {
      withdrawSchedule(stores, known);
      continue;
    }
    const schedule = { ...known, targets: { serviceIds }, revision: nextRevision(known, now) };
    stores.schedules.put(schedule);
    spreadSchedule(stores, schedule);
  }
}

function send(stores: Stores, schedule: ScheduleRecord, hostId: string): void {
  const { hostLabels: _h, description: _d, createdAt: _c, updatedAt: _u, ...spec } = schedule;
  const heldCustomers = spec.kind === 'start' ? stores.customers.suspendedIds() : [];
  stores.commands.append(hostId, { kind: 'schedule.put', schedule: { ...spec, heldCustomers } });
  stores.schedules.setSent(schedule.id, hostId, schedule.revision);
}

function takeBack(stores: Stores, { id, revision }: ScheduleRecord, hostId: string): void {
  stores.commands.append(hostId, { kind: 'schedule.remove', scheduleId: id, revision });
  stores.schedules.forgetSent(hostId, id);
}
