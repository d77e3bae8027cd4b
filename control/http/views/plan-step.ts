// What happens to one service of a compose file, as plans and jobs show it.
import { z } from 'zod';
import { PLAN_ACTIONS, REPLACEMENT_ORDERS } from '#shared/jobs.ts';

export const planStepView = z.object({
  service: z.string().meta({ example: 'web' }),
  action: z.enum(PLAN_ACTIONS),
  reason: z.string().meta({ example: 'environment LOG_LEVEL changed' }),
  replacement: z
    .object({
      order: z
        .enum(REPLACEMENT_ORDERS)
        .meta({ description: '`start_first`: new containers are healthy before old ones go' }),
      reason: z.string().meta({ example: 'it has a health check and can overlap' }),
    })
    .optional()
    .meta({ description: 'Of a service whose containers are replaced' }),
});
