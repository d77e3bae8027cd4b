// Customers as callers see them. What suspending one means for its services is in suspension.ts.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { CustomerRecord } from '../../store/customer-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type {
  Change,
  Customer,
  CustomerDetail,
  CustomerQuery,
  Customers,
  NewCustomer,
  SuspensionOutcome,
} from '../api/customers.ts';
import type { Page } from '../api/page.ts';
import type { StorageOf } from './customer-storage.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { withdrawSchedule } from '../schedules/spread.ts';
import type { KeyDesk } from '../access/keys.ts';
import type { SessionDesk } from '../access/sessions.ts';
import type { Suspension } from './suspension.ts';

export interface CustomerDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  keys: Pick<KeyDesk, 'revokeOfCustomer'>;
  sessions: Pick<SessionDesk, 'endOfCustomer'>;
  suspension: Suspension;
  storageOf: StorageOf;
  clock: Clock;
}

export class CustomerDesk implements Customers {
  readonly #deps: CustomerDeskDeps;

  constructor(deps: CustomerDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: CustomerQuery): Page<Customer> {
    const only = caller.customerId ?? undefined;
    return { ...this.#deps.stores.customers.list({ ...query, only }), page: query.page, perPage: query.perPage };
  }

  detail(caller: Caller, id: string): CustomerDetail {
    return this.#toDetail(this.#deps.access.requireCustomer(caller, id));
  }

  async create(caller: Caller, input: NewCustomer): Promise<CustomerDetail> {
    const { effects, stores, access, clock } = this.#deps;
    const { id } = await effects.perform(() => {
      access.requireOperator(caller, 'create customers');
      const now = clock.now();
      const customer = {
        id: newId('cust', now),
        name: input.name,
        email: input.email ?? null,
        planId: input.planId ?? null,
        suspendedAt: null,
        createdAt: now,
        updatedAt: now,
      };
      return () => {
        this.#requirePlan(customer.planId);
        stores.customers.insert(customer);
        return { id: customer.id };
      };
    });
    return this.detail(caller, id);
  }

  async update(caller: Caller, id: string, change: Change<NewCustomer>): Promise<CustomerDetail> {
    const { effects, stores, access, clock } = this.#deps;
    await effects.perform(() => () => {
      const customer = access.requireCustomer(caller, id);
      const { name = customer.name, email = customer.email, planId = customer.planId } = change;
      if (planId !== customer.planId) {
        access.requireOperator(caller, "change its customer's plan");
        this.#requirePlan(planId);
      }
      stores.customers.update({ ...customer, name, email, planId, updatedAt: clock.now() });
      return { id };
    });
    return this.detail(caller, id);
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { effects, stores, access, keys, sessions } = this.#deps;
    await effects.perform(() => (tx) => {
      const { name } = access.requireCustomer(caller, id);
      access.requireOperator(caller, 'delete its customer');
      const { services } = stores.services.allotted(id);
      if (services > 0) throw stillHas(name, services);
      if (stores.sets.countOfCustomer(id) > 0) throw stillHasSets(name);
      keys.revokeOfCustomer(tx, id);
      sessions.endOfCustomer(tx, id);
      stores.webhooks.removeOfCustomer(id);
      for (const schedule of stores.schedules.ofCustomer(id)) withdrawSchedule(stores, schedule);
      stores.customers.remove(id);
      return { id };
    });
  }

  suspend(caller: Caller, id: string): Promise<SuspensionOutcome> {
    const { suspension } = this.#deps;
    return this.#change(caller, id, (tx, customer) => suspension.suspend(tx, customer));
  }

  resume(caller: Caller, id: string): Promise<SuspensionOutcome> {
    const { suspension } = this.#deps;
    return this.#change(caller, id, (tx, customer) => suspension.resume(tx, customer));
  }

  async #change(
    caller: Caller,
    id: string,
    change: (tx: WriteContext, customer: CustomerRecord) => string[],
  ): Promise<SuspensionOutcome> {
    const { effects, access } = this.#deps;
    const { jobIds } = await effects.perform(() => (tx) => {
      const customer = access.requireCustomer(caller, id);
      access.requireFleetOperator(caller, 'suspend or resume customers');
      return { id, jobIds: change(tx, customer) };
    });
    return { customer: access.requireCustomer(caller, id), jobIds };
  }

  #requirePlan(planId: string | null): void {
    if (planId === null || this.#deps.stores.plans.find(planId)) return;
    throw new LongshoreError('validation_error', { fields: { plan_id: 'Invalid plan ID' } });
  }

  #toDetail(customer: CustomerRecord): CustomerDetail {
    const { stores, storageOf } = this.#deps;
    const { id, planId } = customer;
    const plan = planId === null ? undefined : stores.plans.find(planId);
    return {
      ...customer,
      plan: plan ?? null,
      usage: { ...stores.services.allotted(id), storageMb: storageOf(id) },
    };
  }
}

const stillHasSets = (name: string): LongshoreError =>
  new LongshoreError('in_use', {
    message: `Customer "${name}" still has service sets`,
    details: 'Delete them first; a set without members waits for hosts.',
  });

const stillHas = (name: string, services: number): LongshoreError =>
  new LongshoreError('in_use', {
    message: `Customer "${name}" still has ${services} ${services === 1 ? 'service' : 'services'}`,
    details: 'Delete them first; suspending the customer stops them and keeps their data.',
  });
