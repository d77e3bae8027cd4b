// Health checks on the wire. The rules of schema.ts hold here too.
import * as z from 'zod';
import { CHECK_BOUNDS } from '../health-check.ts';

const within = ([least, most]: readonly [number, number]) => z.number().int().min(least).max(most).optional();
const port = () => z.number().int().min(1).max(65_535).optional();

/** See health-check.ts. Built anew at each call. */
export const healthCheckSpec = () => {
  const common = {
    service: z.string().max(255).optional(),
    intervalS: within(CHECK_BOUNDS.intervalS),
    timeoutS: within(CHECK_BOUNDS.timeoutS),
    startPeriodS: within(CHECK_BOUNDS.startPeriodS),
    failureThreshold: within(CHECK_BOUNDS.failureThreshold),
    successThreshold: within(CHECK_BOUNDS.successThreshold),
  };
  return z.discriminatedUnion('type', [
    z.object({
      ...common,
      type: z.literal('http'),
      port: port(),
      path: z.string().max(2048).optional(),
      host: z.string().max(255).optional(),
      expectStatus: z.number().int().min(100).max(599).optional(),
    }),
    z.object({ ...common, type: z.literal('tcp'), port: port() }),
    z.object({ ...common, type: z.literal('exec'), command: z.array(z.string().max(4096)).min(1).max(64) }),
  ]);
};
