// Drift as the API shows it.
import { z } from 'zod';
import { DRIFT_STATES } from '#shared/model.ts';
import { CONTAINER_CHANGES, FILE_CHANGES, type ShownDrift } from '#shared/protocol/drift-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import { timestamp } from './page.ts';

const value = z.string().nullable();

export const driftView = z
  .object({
    state: z.enum(DRIFT_STATES).meta({
      description: 'Unknown while a job is at work, and until a deploy has recorded how its containers are set up',
    }),
    revision: z.number().int().nullable().meta({ description: 'What is compared with', example: 3 }),
    checked_at: timestamp,
    services: z.array(
      z.object({
        service: z.string().meta({ description: 'In the compose file; empty for a container of none', example: 'web' }),
        container: z.string().meta({ example: 'my-app-web-1' }),
        change: z.enum(CONTAINER_CHANGES),
        fields: z.array(
          z.object({
            path: z.string().meta({ description: 'As a compose file has it', example: 'mem_limit' }),
            expected: value.meta({ description: 'Null: nothing, which is the default of Docker or the image' }),
            actual: value.meta({ description: 'Null: nothing', example: '134217728' }),
          }),
        ),
      }),
    ),
    files: z
      .array(z.object({ path: z.string(), change: z.enum(FILE_CHANGES) }))
      .meta({ description: 'Files of the revision that differ in the folder of the service', example: [] }),
  })
  .meta({ id: 'Drift', description: 'What runs beside what the good revision says. Secret values are `***`.' });

export const toDriftView = ({ checkedAt, ...drift }: ShownDrift): z.infer<typeof driftView> => ({
  ...drift,
  checked_at: toRfc3339(checkedAt),
});
