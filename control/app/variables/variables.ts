// Shared variables: one for each name and scope, a scope being one customer's services or the operator's own. Effects
// are ids, so that no value lies anywhere but in its own row.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { VariableRecord } from '../../store/customer-records.ts';
import type { Stores } from '../../store/stores.ts';
import { ownerFor, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type {
  NewVariable,
  Variable,
  VariableChange,
  VariableDetail,
  VariableQuery,
  Variables,
} from '../api/variables.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { holds } from '../access/permissions.ts';
import { MASK } from '#shared/secret-names.ts';

/** All of a scope may be read for each deploy in it; far more than people name. */
const MAX_IN_SCOPE = 500;

export interface VariableDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  customerRules: CustomerRules;
  clock: Clock;
}

export class VariableDesk implements Variables {
  readonly #deps: VariableDeskDeps;

  constructor(deps: VariableDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: VariableQuery): Page<Variable> {
    const only = caller.customerId ?? undefined;
    const { items, total } = this.#deps.stores.variables.list({ ...query, only });
    const shown = items.map((variable) => maskFor(caller, variable));
    return { items: shown, total, page: query.page, perPage: query.perPage };
  }

  detail(caller: Caller, id: string): VariableDetail {
    const { stores, access } = this.#deps;
    const variable = access.requireVariable(caller, id);
    const { hostIds } = access.visibility(caller);
    const users = stores.variables.usersOf(id).filter(({ hostId }) => hostIds === null || hostIds.includes(hostId));
    return { ...maskFor(caller, variable), usedBy: users.map((user) => ({ id: user.id, name: user.name })) };
  }

  async create(caller: Caller, input: NewVariable): Promise<VariableDetail> {
    const { stores, effects } = this.#deps;
    const { id } = await effects.perform(() => {
      this.#requireWriter(caller);
      const variable = this.#toRecord(caller, input);
      return () => {
        this.#requireRoom(variable);
        stores.variables.insert(variable);
        return { id: variable.id };
      };
    });
    return this.detail(caller, id);
  }

  async update(caller: Caller, id: string, change: VariableChange): Promise<VariableDetail> {
    const { stores, access, effects, clock } = this.#deps;
    await effects.perform(() => () => {
      const variable = access.requireVariable(caller, id);
      this.#requireWriter(caller);
      const isMasked = variable.isSecret && change.value === MASK;
      const { isSecret = variable.isSecret, description = variable.description } = change;
      const value = isMasked ? variable.value : (change.value ?? variable.value);
      requireMayShow(caller, variable, { isSecret, isNew: change.value !== undefined && !isMasked });
      stores.variables.update({ ...variable, value, isSecret, description, updatedAt: clock.now() });
      return { id };
    });
    return this.detail(caller, id);
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { stores, access, effects } = this.#deps;
    await effects.perform(() => () => {
      const { name } = access.requireVariable(caller, id);
      this.#requireWriter(caller);
      requireUnused(name, stores.variables.usersOf(id).length);
      stores.variables.remove(id);
      return { id };
    });
  }

  /** Services of a scope may run on any host. */
  #requireWriter(caller: Caller): void {
    this.#deps.access.requireEveryHost(caller, 'change shared variables');
  }

  #toRecord(
    caller: Caller,
    { name, value, isSecret = true, description = null, customerId }: NewVariable,
  ): VariableRecord {
    const now = this.#deps.clock.now();
    const owner = ownerFor(caller, customerId);
    return {
      id: newId('var', now),
      customerId: owner,
      name,
      value,
      isSecret,
      description,
      createdAt: now,
      updatedAt: now,
    };
  }

  #requireRoom({ customerId, name }: VariableRecord): void {
    const { stores, customerRules } = this.#deps;
    customerRules.requireKnown(customerId);
    if (stores.variables.findInScope(customerId, name)) {
      throw new LongshoreError('name_taken', {
        message: `There is a shared variable "${name}" already`,
        fields: { name: 'is taken: change or delete that one' },
      });
    }
    if (stores.variables.countInScope(customerId) < MAX_IN_SCOPE) return;
    throw new LongshoreError('state_conflict', {
      message: `There can be no more than ${MAX_IN_SCOPE} shared variables`,
    });
  }
}

const maskFor = (caller: Caller, variable: VariableRecord): Variable =>
  variable.isSecret && variable.value !== '' && !holds(caller.permissions, 'secrets.read')
    ? { ...variable, value: MASK }
    : variable;

/** Calling a secret an ordinary value would show it. */
function requireMayShow(caller: Caller, before: VariableRecord, now: { isSecret: boolean; isNew: boolean }): void {
  if (!before.isSecret || now.isSecret || now.isNew || holds(caller.permissions, 'secrets.read')) return;
  throw new LongshoreError('forbidden', {
    message: `Variable "${before.name}" is secret: without secrets.read it becomes an ordinary one only with a new value`,
  });
}

function requireUnused(name: string, users: number): void {
  if (users === 0) return;
  throw new LongshoreError('in_use', {
    message: `Variable "${name}" is used by ${users} ${users === 1 ? 'service' : 'services'}`,
    details: 'Their next deploy would lack it. Give them a variable of their own by that name and deploy them first.',
  });
}
