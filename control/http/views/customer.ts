// Customers as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { Customer, CustomerDetail, SuspensionOutcome } from '../../app/api/customers.ts';
import { pageOf, timestamp } from './page.ts';
import { limitsView, toLimitsView } from './plan.ts';
import { requiredText } from './required.ts';

export const CUSTOMER_STATUSES = ['active', 'suspended'] as const;
const status = z.enum(CUSTOMER_STATUSES);

const summaryFields = {
  id: z.string().meta({ example: 'cust_def456' }),
  name: z.string().meta({ example: 'Acme Corp' }),
  email: z.string().nullable().meta({ example: 'ops@acme.example' }),
  plan_id: z.string().nullable(),
  status,
  created_at: timestamp,
  updated_at: timestamp,
  suspended_at: timestamp.nullable(),
};

const usage = z
  .object({
    services: z.number().int(),
    cpu: z.number(),
    memory_mb: z.number(),
    storage_mb: z.number().nullable(),
  })
  .meta({
    id: 'PlanUsage',
    description:
      'Services there are; cores and memory allotted to them; what their volumes were last measured at, null before that',
  });

export const customerView = z.object(summaryFields).meta({ id: 'Customer' });
export const customerPage = pageOf(customerView);
export const customerDetailView = z
  .object({
    ...summaryFields,
    plan_name: z.string().nullable().meta({ example: 'Small' }),
    limits: limitsView.nullable(),
    usage,
  })
  .meta({ id: 'CustomerDetail' });

const bodyFields = {
  name: requiredText('Customer name').max(200).meta({ example: 'Acme Corp' }),
  email: z.email('Must be an email address').max(254).nullish().meta({ example: 'ops@acme.example' }),
  // Of the right form, or refused together with the other fields; whether it is there is the app's to say.
  plan_id: z
    .string()
    .regex(/^plan_[0-9a-z]{1,40}$/, 'Invalid plan ID')
    .nullish()
    .meta({ example: 'plan_ghi789' }),
};
export const newCustomerBody = z.strictObject(bodyFields);
export const customerChangeBody = z
  .strictObject(bodyFields)
  .partial()
  .meta({ description: 'What is left out stays as it is; null empties a field' });

export const suspensionView = z
  .object({
    id: z.string().meta({ example: 'cust_def456' }),
    status,
    message: z.string().meta({ example: 'Customer suspended; 2 services are being stopped' }),
    job_ids: z.array(z.string()).meta({ description: 'The jobs that do it', example: ['job_xyz456'] }),
  })
  .meta({ id: 'Suspension', description: 'The jobs go on by themselves, also where a host is away now.' });

export const fromCustomerBody = <Body extends z.infer<typeof customerChangeBody>>({
  plan_id: planId,
  ...body
}: Body) => ({ ...body, planId });

export const toCustomerView = (customer: Customer): z.infer<typeof customerView> => ({
  id: customer.id,
  name: customer.name,
  email: customer.email,
  plan_id: customer.planId,
  status: statusOf(customer),
  created_at: toRfc3339(customer.createdAt),
  updated_at: toRfc3339(customer.updatedAt),
  suspended_at: customer.suspendedAt === null ? null : toRfc3339(customer.suspendedAt),
});

export const toCustomerDetailView = (customer: CustomerDetail): z.infer<typeof customerDetailView> => ({
  ...toCustomerView(customer),
  plan_name: customer.plan?.name ?? null,
  limits: customer.plan && toLimitsView(customer.plan.limits),
  usage: {
    services: customer.usage.services,
    cpu: customer.usage.cpu,
    memory_mb: customer.usage.memoryMb,
    storage_mb: customer.usage.storageMb,
  },
});

export function toSuspensionView({ customer, jobIds }: SuspensionOutcome): z.infer<typeof suspensionView> {
  const status = statusOf(customer);
  const services = jobIds.length === 1 ? '1 service is' : `${jobIds.length} services are`;
  const rest = `; ${services} being ${status === 'suspended' ? 'stopped' : 'brought back'}`;
  const done = `Customer ${status === 'suspended' ? 'suspended' : 'resumed'}`;
  return { id: customer.id, status, message: jobIds.length === 0 ? done : `${done}${rest}`, job_ids: jobIds };
}

const statusOf = ({ suspendedAt }: Customer): (typeof CUSTOMER_STATUSES)[number] =>
  suspendedAt === null ? 'active' : 'suspended';
