// Plans as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { NewPlan, Plan } from '../../app/api/customers.ts';
import { cpuCores, memoryMb, storageMb } from './limits.ts';
import { pageOf, timestamp } from './page.ts';
import { requiredText } from './required.ts';

const MAX_SERVICES = 1_000_000;
const services = z.number().int().min(1).max(MAX_SERVICES).meta({ example: 5 });

/** Null is no limit. */
const limitFields = {
  services: services.nullable(),
  cpu: cpuCores.nullable(),
  memory_mb: memoryMb.nullable(),
  storage_mb: storageMb.nullable(),
};

export const limitsView = z.object(limitFields).meta({
  id: 'PlanLimits',
  description: 'What all services of a customer may take together; null is no limit',
});

export const planView = z
  .object({
    id: z.string().meta({ example: 'plan_ghi789' }),
    name: z.string().meta({ example: 'Small' }),
    description: z.string().nullable().meta({ example: 'For one small shop' }),
    limits: limitsView,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Plan' });
export const planPage = pageOf(planView);

const bodyFields = {
  name: requiredText('Plan name').max(100).meta({ example: 'Small' }),
  description: z.string().max(1000).nullish(),
  limits: z.strictObject(limitFields).partial().optional(),
};
export const newPlanBody = z.strictObject(bodyFields);
export const planChangeBody = z.strictObject(bodyFields).partial().meta({
  description: 'What is left out stays as it is. What runs is not touched: it counts from the next deploy on.',
});

export const fromPlanBody = <Body extends z.infer<typeof planChangeBody>>({ limits, ...body }: Body) => ({
  ...body,
  limits: limits && fromLimits(limits),
});

/** Only what was given, so that it can be laid over what there is. */
function fromLimits(given: NonNullable<z.infer<typeof planChangeBody>['limits']>): NewPlan['limits'] {
  const { services, cpu, memory_mb: memoryMb, storage_mb: storageMb } = given;
  return {
    ...(services !== undefined && { services }),
    ...(cpu !== undefined && { cpu }),
    ...(memoryMb !== undefined && { memoryMb }),
    ...(storageMb !== undefined && { storageMb }),
  };
}

export const toLimitsView = ({ services, cpu, memoryMb, storageMb }: Plan['limits']): z.infer<typeof limitsView> => ({
  services,
  cpu,
  memory_mb: memoryMb,
  storage_mb: storageMb,
});

export const toPlanView = (plan: Plan): z.infer<typeof planView> => ({
  id: plan.id,
  name: plan.name,
  description: plan.description,
  limits: toLimitsView(plan.limits),
  created_at: toRfc3339(plan.createdAt),
  updated_at: toRfc3339(plan.updatedAt),
});
