// Plans as callers see them. What a plan allows is decided in plan-limits.ts, when a service is deployed: changing a plan
// touches nothing that runs.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { PlanLimits } from '../../store/customer-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Change, NewPlan, Plan, PlanQuery, Plans } from '../api/customers.ts';
import type { Page } from '../api/page.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';

export interface PlanDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  clock: Clock;
}

const NO_LIMITS: PlanLimits = { services: null, cpu: null, memoryMb: null, storageMb: null };

export class PlanDesk implements Plans {
  readonly #deps: PlanDeskDeps;

  constructor(deps: PlanDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: PlanQuery): Page<Plan> {
    const found = this.#deps.stores.plans.list({ ...query, only: this.#ownPlan(caller) });
    return { ...found, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): Plan {
    const own = this.#ownPlan(caller);
    const plan = own === undefined || own === id ? this.#deps.stores.plans.find(id) : undefined;
    if (!plan) throw missing('plan', id);
    return plan;
  }

  async create(caller: Caller, { name, description = null, limits }: NewPlan): Promise<Plan> {
    const { effects, stores, access, clock } = this.#deps;
    return effects.perform(() => {
      access.requireOperator(caller, 'create plans');
      const now = clock.now();
      const given = { ...NO_LIMITS, ...limits };
      const plan = { id: newId('plan', now), name, description, limits: given, createdAt: now, updatedAt: now };
      return () => {
        this.#requireFree(plan);
        stores.plans.insert(plan);
        return plan;
      };
    });
  }

  async update(caller: Caller, id: string, { limits, ...change }: Change<NewPlan>): Promise<Plan> {
    const { effects, stores, access, clock } = this.#deps;
    return effects.perform(() => () => {
      const plan = this.require(caller, id);
      access.requireOperator(caller, 'change plans');
      const { name = plan.name, description = plan.description } = change;
      const next = { ...plan, name, description, limits: { ...plan.limits, ...limits }, updatedAt: clock.now() };
      this.#requireFree(next);
      stores.plans.update(next);
      return next;
    });
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { effects, stores, access } = this.#deps;
    await effects.perform(() => () => {
      const { name } = this.require(caller, id);
      access.requireOperator(caller, 'delete plans');
      const customers = stores.customers.countOnPlan(id);
      if (customers > 0) {
        throw new LongshoreError('in_use', {
          message: `${customers} ${customers === 1 ? 'customer is' : 'customers are'} on plan "${name}"`,
          details: 'Move them to another plan first.',
        });
      }
      stores.plans.remove(id);
      return { id };
    });
  }

  /** Of a caller that is bound to a customer; undefined: the caller may see every plan. */
  #ownPlan({ customerId }: Caller): string | null | undefined {
    return customerId === null ? undefined : (this.#deps.stores.customers.find(customerId)?.planId ?? null);
  }

  #requireFree({ id, name }: Plan): void {
    const namesake = this.#deps.stores.plans.findByName(name);
    if (!namesake || namesake.id === id) return;
    throw new LongshoreError('name_taken', {
      message: `There is a plan "${name}" already`,
      fields: { name: 'is taken' },
    });
  }
}
