// How much later than its line a schedule runs on this host: always the same, another for each host and schedule. Pure.
import { createHash } from 'node:crypto';
import type { ScheduleSpec } from '#shared/schedule/schedule.ts';

export function jitterOf({ id, jitterS }: Pick<ScheduleSpec, 'id' | 'jitterS'>, hostId: string): number {
  if (jitterS === 0) return 0;
  const digest = createHash('sha256').update(`${hostId} ${id}`).digest();
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * jitterS * 1000);
}
