// What a customer may do now: anything but run services while it is suspended, and no more than its plan has room for.
// Everything here reads the store, so it belongs inside the write that acts on it: two callers cannot both pass.
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { PlanRecord } from '../../store/customer-records.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Allotted } from '../../store/services.ts';
import type { Stores } from '../../store/stores.ts';
import type { StorageOf } from './customer-storage.ts';
import { allotLimits, requireServiceRoom, requireStorageRoom, type AskedLimits } from './plan-limits.ts';

export class CustomerRules {
  readonly #stores: Stores;
  readonly #storageOf: StorageOf;

  constructor(stores: Stores, storageOf: StorageOf) {
    this.#stores = stores;
    this.#storageOf = storageOf;
  }

  /** 422 for a customer that does not exist. */
  requireKnown(customerId: string | null): void {
    if (customerId === null || this.#stores.customers.find(customerId)) return;
    throw new LongshoreError('validation_error', { fields: { customer_id: 'Invalid customer ID' } });
  }

  /** Throws customer_suspended. Services without a customer are never suspended. */
  requireActive(customerId: string | null): void {
    const customer = customerId === null ? undefined : this.#stores.customers.find(customerId);
    if (!customer || customer.suspendedAt === null) return;
    throw new LongshoreError('customer_suspended', {
      message: `Customer "${customer.name}" is suspended`,
      details: 'Services can be read, stopped and deleted until the customer is resumed.',
    });
  }

  /** What a new service gets of its customer's plan. Throws plan_limit, customer_suspended, 422 without such a customer. */
  allotNew(customerId: string | null, asked: AskedLimits = {}): ServiceLimits {
    if (customerId === null) return allotLimits(null, NOTHING, asked);
    this.requireKnown(customerId);
    this.requireActive(customerId);
    const plan = this.#planOf(customerId);
    const others = this.#stores.services.allotted(customerId);
    if (plan) requireServiceRoom(plan, others);
    if (plan) requireStorageRoom(plan, this.#storageOf(customerId));
    return allotLimits(plan, others, asked);
  }

  /**
   * What a service that is deployed again gets: what it holds, unless other limits are asked for or its customer came
   * onto a plan since. Throws plan_limit, customer_suspended.
   */
  allotAgain({ id, customerId, limits }: ServiceRecord, asked: AskedLimits = {}): ServiceLimits {
    if (customerId === null) return allotLimits(null, NOTHING, asked, limits);
    this.requireActive(customerId);
    const plan = this.#planOf(customerId);
    if (plan) requireStorageRoom(plan, this.#storageOf(customerId));
    return allotLimits(plan, this.#stores.services.allotted(customerId, id), asked, limits);
  }

  /** Throws unless so many more services fit together, each with what is asked for. */
  requireRoom(customerId: string | null, count: number, asked: AskedLimits): void {
    const plan = customerId === null ? null : this.#planOf(customerId);
    if (customerId === null || !plan) return;
    let others = this.#stores.services.allotted(customerId);
    for (let i = 0; i < count; i++) {
      requireServiceRoom(plan, others);
      const { cpu, memoryMb } = allotLimits(plan, others, asked);
      others = {
        services: others.services + 1,
        cpu: others.cpu + (cpu ?? 0),
        memoryMb: others.memoryMb + (memoryMb ?? 0),
      };
    }
  }

  #planOf(customerId: string): PlanRecord | null {
    const planId = this.#stores.customers.find(customerId)?.planId ?? null;
    return (planId === null ? undefined : this.#stores.plans.find(planId)) ?? null;
  }
}

const NOTHING: Allotted = { services: 0, cpu: 0, memoryMb: 0 };
