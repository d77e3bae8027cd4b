// A schedule as a host has it: every hour it restarts all services, unless a test says otherwise.
import type { ScheduleSpec } from '#shared/schedule/schedule.ts';

export const scheduleOf = (over: Partial<ScheduleSpec> = {}): ScheduleSpec => ({
  id: 'sch_1',
  name: 'hourly',
  revision: 1,
  kind: 'restart',
  cron: '0 * * * *',
  timeZone: 'UTC',
  targets: { isAll: true },
  customerId: null,
  heldCustomers: [],
  delayBetweenS: 0,
  catchUp: 'none',
  jitterS: 0,
  isEnabled: true,
  ...over,
});
