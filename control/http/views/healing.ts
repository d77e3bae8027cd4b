// What a host did about failures of a service, as the API shows it.
import { z } from 'zod';
import type { ContainerEnd } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Service } from '../../app/api/services.ts';
import { timestamp } from './page.ts';

export const healingFields = {
  failure_count: z
    .number()
    .int()
    .meta({ description: 'Since it was last started, restarted, enabled or deployed', example: 0 }),
  restart_count: z.number().int().meta({ description: 'Ever: by its host, by Docker and by hand', example: 2 }),
  last_restart_at: timestamp.nullable().meta({ description: 'Null: never', example: null }),
  next_restart_at: timestamp.nullable().meta({ description: 'When what is down is restarted', example: null }),
  gave_up_at: timestamp
    .nullable()
    .meta({ description: 'Since when its host restarts nothing of it any more; `reason` says why', example: null }),
};

export const containerEndView = z.object({
  exit_code: z.number().int().nullable().meta({ description: 'Null: it still runs', example: 1 }),
  oom_killed: z.boolean().meta({ description: 'Whether it ran out of memory', example: false }),
  last_lines: z
    .array(z.string())
    .meta({ description: 'Of its log, without secrets; none without `services.logs`', example: ['no database'] }),
});

const timeOf = (ms: number | null = null): string | null => (ms === null ? null : toRfc3339(ms));

/** Of a host that never spoke of it, or is too old to, nothing is known to have failed. */
export function toHealing({ report }: Pick<Service, 'report'>) {
  const healing = report?.healing;
  return {
    failure_count: healing?.failureCount ?? 0,
    restart_count: healing?.restartCount ?? 0,
    last_restart_at: timeOf(healing?.lastRestartAt),
    next_restart_at: timeOf(healing?.nextRestartAt),
    gave_up_at: timeOf(healing?.gaveUpAt),
  };
}

export const toContainerEnd = ({ exitCode, oomKilled, lastLines }: ContainerEnd): z.infer<typeof containerEndView> => ({
  exit_code: exitCode,
  oom_killed: oomKilled,
  last_lines: lastLines,
});
