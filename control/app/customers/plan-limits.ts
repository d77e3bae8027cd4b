// Whether a plan has room for what is asked, and how much of it a service gets. Pure: the plan and what the customer
// holds of it in, an allotment out; what does not fit is thrown as `plan_limit` with the limit, the numbers, the way out.
//
//   asked for            what was asked, when it fits beside what the other services hold
//   not asked for        what the service holds already; else an equal share: the total by the number of services, or
//                        all that is left when their number has no limit
//   less than it holds   always fits: a customer over its plan must be able to come back under it
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { PlanRecord } from '../../store/customer-records.ts';
import type { Allotted } from '../../store/services.ts';

export type Plan = Pick<PlanRecord, 'name' | 'limits'>;

/** What a caller wants for a service: undefined leaves it as it is, null asks for the share that is its due. */
export interface AskedLimits {
  cpu?: number | null | undefined;
  memoryMb?: number | null | undefined;
}

/** Docker takes neither less memory nor less CPU time for a container. */
export const MIN_CPU = 0.01;
export const MIN_MEMORY_MB = 6;

export const UNLIMITED: ServiceLimits = { cpu: null, memoryMb: null };

/** Throws when the customer has as many services as the plan allows. */
export function requireServiceRoom({ name, limits }: Plan, { services }: Pick<Allotted, 'services'>): void {
  if (limits.services === null || services < limits.services) return;
  throw new LongshoreError('plan_limit', {
    message: `Plan "${name}" limits services to ${limits.services}: the customer has ${services}`,
    details: `Delete a service, or ${LARGER_PLAN}`,
  });
}

/** Throws when the volumes fill the plan. `usedMb` is null before anything was measured: that refuses nobody. */
export function requireStorageRoom({ name, limits }: Plan, usedMb: number | null): void {
  if (limits.storageMb === null || usedMb === null || usedMb < limits.storageMb) return;
  throw new LongshoreError('plan_limit', {
    message: `Plan "${name}" limits storage_mb to ${limits.storageMb}: the customer's volumes use ${Math.ceil(usedMb)}`,
    details: `Free space in the volumes, delete a service, or ${LARGER_PLAN}`,
  });
}

/** What a service gets. `others` is held by the customer's other services, `held` by this one. */
export function allotLimits(
  plan: Plan | null,
  others: Allotted,
  asked: AskedLimits,
  held: ServiceLimits = UNLIMITED,
): ServiceLimits {
  const { name, limits } = plan ?? NO_PLAN;
  const places = limits.services;
  const cpu = { resource: CPU, plan: name, total: limits.cpu, taken: others.cpu, places };
  const memory = { resource: MEMORY, plan: name, total: limits.memoryMb, taken: others.memoryMb, places };
  return { cpu: allot(cpu, asked.cpu, held.cpu), memoryMb: allot(memory, asked.memoryMb, held.memoryMb) };
}

const LARGER_PLAN = 'move the customer to a larger plan.';
const NO_PLAN: Plan = { name: '', limits: { services: null, cpu: null, memoryMb: null, storageMb: null } };

/** `step` is the unit of counting: sums of fractions are compared in whole steps, or 0.1 + 0.2 would not fit into 0.3. */
const CPU = { name: 'cpu', min: MIN_CPU, step: 0.001 };
const MEMORY = { name: 'memory_mb', min: MIN_MEMORY_MB, step: 1 };

interface Stock {
  resource: typeof CPU;
  plan: string;
  total: number | null;
  taken: number;
  places: number | null;
}

function allot(stock: Stock, asked: number | null | undefined, held: number | null): number | null {
  const { total, taken, places, resource } = stock;
  if (asked === undefined && held !== null) return held;
  if (total === null) return asked ?? null;
  const left = inSteps(resource, total) - inSteps(resource, taken);
  const share = places === null ? left : Math.floor(inSteps(resource, total) / places);
  const isShared = asked === undefined || asked === null;
  const wanted = isShared ? Math.max(share, inSteps(resource, resource.min)) : inSteps(resource, asked);
  const isLess = held !== null && wanted <= inSteps(resource, held);
  if (wanted > left && !isLess) throw tooMuch(stock, fromSteps(resource, wanted), fromSteps(resource, left));
  return fromSteps(resource, wanted);
}

const inSteps = ({ step }: Stock['resource'], value: number): number => Math.round(value / step);
const fromSteps = ({ step }: Stock['resource'], steps: number): number => steps / Math.round(1 / step);

function tooMuch({ resource, plan, total, taken }: Stock, wanted: number, left: number): LongshoreError {
  const field = `limits.${resource.name}`;
  const less = left >= resource.min ? `Ask for at most ${left} in ${field}, give` : 'Give';
  return new LongshoreError('plan_limit', {
    message: `Plan "${plan}" limits ${resource.name} to ${total}: other services hold ${round(resource, taken)}, this one would take ${wanted}`,
    details: `${less} other services less in ${field}, delete one, or ${LARGER_PLAN}`,
  });
}

const round = (resource: Stock['resource'], value: number): number => fromSteps(resource, inSteps(resource, value));
