// Amounts of CPU and memory in bodies: of a service, and of all services on a plan.
import { z } from 'zod';
import { MIN_CPU, MIN_MEMORY_MB } from '../../app/customers/plan-limits.ts';

/** Beyond any machine: a typing error, not a wish. */
const MAX_CPU = 4096;
const MAX_MB = 1_000_000_000;

export const cpuCores = z
  .number()
  .min(MIN_CPU)
  .max(MAX_CPU)
  .multipleOf(0.001)
  .meta({ description: 'Cores, in thousandths', example: 1.5 });
export const memoryMb = z.number().int().min(MIN_MEMORY_MB).max(MAX_MB).meta({ example: 512 });
export const storageMb = z.number().int().min(1).max(MAX_MB).meta({ example: 10_240 });
