// Variables that services share, as the app layer offers them.
import type { VariableRecord } from '../../store/customer-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

/** The value of a secret one is `***` unless the caller holds secrets.read. */
export type Variable = VariableRecord;

export interface VariableDetail extends Variable {
  /** Services that took it with their latest deploy, as far as the caller may see them. */
  usedBy: { id: string; name: string }[];
}

export const VARIABLE_SORTS = ['name', 'created_at', 'updated_at'] as const;
export interface VariableQuery extends Paging {
  customerId?: string | undefined;
  search?: string | undefined;
  sort: (typeof VARIABLE_SORTS)[number];
  order: Order;
}

export interface NewVariable {
  name: string;
  value: string;
  /** Default: true. */
  isSecret?: boolean | undefined;
  description?: string | null | undefined;
  /** Whose services may take it; absent: the caller's customer, or the operator. */
  customerId?: string | undefined;
}

export interface VariableChange extends Pick<NewVariable, 'isSecret' | 'description'> {
  value?: string | undefined;
}

/** A change counts from a service's next deploy on; what runs is left alone. */
export interface Variables {
  list(caller: Caller, query: VariableQuery): Page<Variable>;
  detail(caller: Caller, id: string): VariableDetail;
  /** Throws name_taken within a scope, state_conflict for one too many. */
  create(caller: Caller, input: NewVariable): Promise<VariableDetail>;
  /** Throws forbidden when it would show a secret to who may not read it. */
  update(caller: Caller, id: string, change: VariableChange): Promise<VariableDetail>;
  /** Throws in_use while a service takes it. */
  remove(caller: Caller, id: string): Promise<void>;
}
