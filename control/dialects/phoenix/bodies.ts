// What clients of PhoenixPanel send. Fields that are not theirs to change, and those nobody knows, are passed over: they
// send back what they were given.
import { z } from 'zod';
import { MAX_NAMED_SERVICES } from '#shared/schedule/schedule.ts';
import { MAX_PER_PAGE } from '../../http/views/page.ts';
import { fields } from '../../http/views/schedule.ts';

const server = z.string().min(1).max(200);

const task = z.object({
  type: z.string().max(64),
  data: z
    .object({
      servers: z.union([server, z.array(server).max(MAX_NAMED_SERVICES)]).optional(),
      labels: z.record(z.string().min(1).max(63), z.string().max(255)).optional(),
      command: z.union([z.string().max(16 * 1024), fields.command]).optional(),
      delay_between: fields.delay_between_s.optional(),
      timeout: fields.timeout_s.optional(),
      service: fields.service.optional(),
    })
    .optional(),
});

/** Whatever is no cron line is an `invalid_schedule`, for which the app looks. */
const schedule = z.string().max(1_000);

export const createBody = z.object({
  name: fields.name,
  description: fields.description.default(null),
  schedule,
  timezone: fields.timezone.default('UTC'),
  enabled: fields.enabled.default(true),
  task,
});

export const updateBody = z.object({
  name: fields.name.optional(),
  description: fields.description.optional(),
  schedule: schedule.optional(),
  timezone: fields.timezone.optional(),
  enabled: fields.enabled.optional(),
  task: task.optional(),
});

const DEFAULT_PER_PAGE = 20;

export const listQuery = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  per_page: z.coerce.number().int().min(1).max(1_000_000).optional(),
  type: z.enum(['system', 'scheduled']).optional(),
});
export type ListQuery = z.infer<typeof listQuery>;

/** Who asks for more than a page holds gets a page. */
export const perPageOf = ({ per_page: asked = DEFAULT_PER_PAGE }: ListQuery): number => Math.min(asked, MAX_PER_PAGE);
