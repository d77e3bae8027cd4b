// Schedules as the app layer offers them.
import type { RunState, ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { ScheduleRecord, ScheduleRunRecord } from '../../store/schedules.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type { ScheduleRunRecord } from '../../store/schedules.ts';

export interface Schedule extends ScheduleRecord {
  /** Without the jitter, which each host has of its own; null: paused. */
  nextRun: number | null;
  lastRun: { at: number; state: RunState } | null;
}

export type NewSchedule = Pick<
  ScheduleSpec,
  'name' | 'kind' | 'cron' | 'timeZone' | 'targets' | 'delayBetweenS' | 'catchUp' | 'jitterS' | 'isEnabled' | 'exec'
> & { description?: string | null | undefined };
export type ScheduleChanges = { [K in keyof NewSchedule]?: NewSchedule[K] | undefined };

export const SCHEDULE_SORTS = ['created_at', 'name'] as const;

export interface Schedules {
  list(
    caller: Caller,
    query: Paging & { serviceId?: string | undefined; sort: (typeof SCHEDULE_SORTS)[number]; order: Order },
  ): Page<Schedule>;
  /** Throws not_found, also for what other callers made who are bound less tightly. */
  require(caller: Caller, id: string): Schedule;
  /**
   * 422 invalid_schedule for a line that never runs or too often; 403 for what the caller may not do itself; 409
   * state_conflict when there are too many.
   */
  create(caller: Caller, input: NewSchedule): Promise<Schedule>;
  /** As `create`: who changes it must be allowed to do what it did and does. Another kind takes its program with it. */
  change(caller: Caller, id: string, changes: ScheduleChanges): Promise<Schedule>;
  /** With its runs; hosts that are away forget it when they return. */
  remove(caller: Caller, id: string): Promise<void>;
  /** One run for each connected host it is meant for. 409 host_offline when there is none. */
  run(caller: Caller, id: string): Promise<ScheduleRunRecord[]>;
  runs(
    caller: Caller,
    id: string,
    query: Paging & { state?: RunState | undefined; order: Order },
  ): Page<ScheduleRunRecord>;
  requireRun(caller: Caller, id: string, runId: string): ScheduleRunRecord;
}
