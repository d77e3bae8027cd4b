// Customers and plans as the app layer offers them.
import type { CustomerRecord, PlanLimits, PlanRecord } from '../../store/customer-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type Customer = CustomerRecord;
export type Plan = PlanRecord;

/** With what its services hold of its plan. */
export interface CustomerDetail extends Customer {
  plan: Plan | null;
  usage: {
    services: number;
    /** Cores and memory allotted to its services. */
    cpu: number;
    memoryMb: number;
    /** What its volumes were last measured at; null before that. */
    storageMb: number | null;
  };
}

export interface NewCustomer {
  name: string;
  email?: string | null | undefined;
  planId?: string | null | undefined;
}

export interface NewPlan {
  name: string;
  description?: string | null | undefined;
  limits?: Partial<PlanLimits> | undefined;
}

/** What is undefined stays as it is. */
export type Change<T> = { [Field in keyof T]?: T[Field] | undefined };

export const CUSTOMER_SORTS = ['name', 'created_at', 'updated_at'] as const;
export interface CustomerQuery extends Paging {
  isSuspended?: boolean | undefined;
  planId?: string | undefined;
  search?: string | undefined;
  sort: (typeof CUSTOMER_SORTS)[number];
  order: Order;
}

export const PLAN_SORTS = ['name', 'created_at', 'updated_at'] as const;
export interface PlanQuery extends Paging {
  search?: string | undefined;
  sort: (typeof PLAN_SORTS)[number];
  order: Order;
}

/** `jobIds`: what its hosts were asked for; the answer does not wait for them. */
export interface SuspensionOutcome {
  customer: Customer;
  jobIds: string[];
}

/** A caller that is bound to a customer sees that one only, and may change its name and address. */
export interface Customers {
  list(caller: Caller, query: CustomerQuery): Page<Customer>;
  /** Throws not_found, also for another customer than the caller's own. */
  detail(caller: Caller, id: string): CustomerDetail;
  /** 422 for an unknown plan. */
  create(caller: Caller, input: NewCustomer): Promise<CustomerDetail>;
  /** A new plan counts from the next deploy on; nothing that runs is touched. */
  update(caller: Caller, id: string, change: Change<NewCustomer>): Promise<CustomerDetail>;
  /** With its API keys, sessions and webhooks. 409 in_use while it has services. */
  remove(caller: Caller, id: string): Promise<void>;
  /** Stops its services and keeps their data. Doing it again stops what runs in spite of it. */
  suspend(caller: Caller, id: string): Promise<SuspensionOutcome>;
  /** Brings back exactly what ran when it was suspended. */
  resume(caller: Caller, id: string): Promise<SuspensionOutcome>;
}

/** A caller that is bound to a customer sees the plan of that one only, and changes none. */
export interface Plans {
  list(caller: Caller, query: PlanQuery): Page<Plan>;
  require(caller: Caller, id: string): Plan;
  /** 409 name_taken. */
  create(caller: Caller, input: NewPlan): Promise<Plan>;
  update(caller: Caller, id: string, change: Change<NewPlan>): Promise<Plan>;
  /** 409 in_use while a customer is on it. */
  remove(caller: Caller, id: string): Promise<void>;
}
