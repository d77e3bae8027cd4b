// What hosts tell of the runs of their schedules. Called inside the write that commits the event. Returns what is wrong
// with it, if anything.
import type { ScheduleRun } from '#shared/schedule/schedule.ts';
import type { ScheduleRecord } from '../store/schedules.ts';
import type { Stores } from '../store/stores.ts';

/** Revisions of schedules are milliseconds, and this is past all of them. */
const FOR_GOOD = Number.MAX_SAFE_INTEGER;

/** Late words about a schedule that was deleted are no news. */
export function noteRun(stores: Stores, hostId: string, run: ScheduleRun, now: number): string | undefined {
  const schedule = stores.schedules.find(run.scheduleId);
  if (!schedule) {
    // Its host was put back to where it had it, or we were to where we had not.
    const body = { kind: 'schedule.remove', scheduleId: run.scheduleId, revision: FOR_GOOD } as const;
    if (run.finishedAt !== null) stores.commands.append(hostId, body);
    return undefined;
  }
  const known = stores.schedules.findRun(run.id);
  if (known && (known.hostId !== hostId || known.scheduleId !== run.scheduleId)) {
    return `Run "${run.id}", which is not of this host`;
  }
  if (known && known.finishedAt !== null) return undefined;
  stores.schedules.putRun({ ...run, hostId, dueAt: Math.min(run.dueAt, now) });
  if (known?.state !== run.state) tell(stores, hostId, schedule, run, now);
  return undefined;
}

const STATUS = { pending: null, skipped: null, running: 'started', succeeded: 'success', failed: 'failed' } as const;

function tell(
  stores: Stores,
  hostId: string,
  { id, name, targets }: ScheduleRecord,
  run: ScheduleRun,
  now: number,
): void {
  const status = STATUS[run.state];
  if (status === null) return;
  const serviceId = 'serviceId' in targets ? targets.serviceId : null;
  const why = run.targets.find(({ state }) => state === 'failed')?.reason;
  const message = `Schedule ${name} ${status === 'success' ? 'succeeded' : status}${why ? `: ${why}` : ''}`;
  const at = Math.min(run.finishedAt ?? run.startedAt ?? run.dueAt, now);
  stores.events.insert({ serviceId, hostId, scheduleId: id, type: 'schedule', status, message, at });
}
