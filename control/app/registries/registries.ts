// Registry logins: one for each server and scope, a scope being one customer's services or the operator's own.
import { toServer } from '#shared/compose/image-name.ts';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { RegistryRecord } from '../../store/customer-records.ts';
import type { Stores } from '../../store/stores.ts';
import { ownerFor, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { NewRegistry, Registries, Registry, RegistryChange, RegistryQuery } from '../api/registries.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { IdempotencyDesk } from '../idempotency.ts';

/** All of a scope may travel in one message to a host: 50 passwords of 4 KiB leave room for the service itself. */
const MAX_IN_SCOPE = 50;

export interface RegistryDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  customerRules: CustomerRules;
  clock: Clock;
}

export class RegistryDesk implements Registries {
  readonly #deps: RegistryDeskDeps;

  constructor(deps: RegistryDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: RegistryQuery): Page<Registry> {
    const only = caller.customerId ?? undefined;
    return { ...this.#deps.stores.registries.list({ ...query, only }), page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): Registry {
    return this.#deps.access.requireRegistry(caller, id);
  }

  create(caller: Caller, input: NewRegistry): Promise<Registry> {
    const { stores, effects } = this.#deps;
    return effects.perform(() => {
      this.#requireWriter(caller);
      const registry = this.#toRecord(caller, input);
      return () => {
        this.#requireRoom(registry);
        stores.registries.insert(registry, input.password);
        return registry;
      };
    });
  }

  update(caller: Caller, id: string, { password, ...change }: RegistryChange): Promise<Registry> {
    const { stores, access, effects, clock } = this.#deps;
    return effects.perform(() => () => {
      const registry = access.requireRegistry(caller, id);
      this.#requireWriter(caller);
      const { name = registry.name, username = registry.username } = change;
      const changed = { ...registry, name, username, updatedAt: clock.now() };
      stores.registries.update(changed, password);
      return changed;
    });
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { stores, access, effects } = this.#deps;
    await effects.perform(() => () => {
      access.requireRegistry(caller, id);
      this.#requireWriter(caller);
      stores.registries.remove(id);
      return { id };
    });
  }

  /** Services of a scope may run on any host. */
  #requireWriter(caller: Caller): void {
    this.#deps.access.requireEveryHost(caller, 'change registry logins');
  }

  #toRecord(caller: Caller, input: NewRegistry): RegistryRecord {
    const server = requireServer(input.server);
    const now = this.#deps.clock.now();
    return {
      id: newId('reg', now),
      name: input.name ?? server,
      server,
      username: input.username,
      customerId: ownerFor(caller, input.customerId),
      createdAt: now,
      updatedAt: now,
    };
  }

  #requireRoom({ customerId, server }: RegistryRecord): void {
    const { customerRules, stores } = this.#deps;
    const { registries } = stores;
    customerRules.requireKnown(customerId);
    if (registries.findInScope(customerId, server)) {
      throw new LongshoreError('name_taken', {
        message: `Registry "${server}" has a login already`,
        fields: { server: 'has a login: change or delete that one' },
      });
    }
    if (registries.countInScope(customerId) < MAX_IN_SCOPE) return;
    throw new LongshoreError('state_conflict', { message: `There can be no more than ${MAX_IN_SCOPE} registries` });
  }
}

function requireServer(text: string): string {
  const server = toServer(text);
  if (server !== undefined) return server;
  const problem = 'must be what image names begin with, without a path: ghcr.io, registry.example.com:5000, docker.io';
  throw new LongshoreError('validation_error', { fields: { server: problem } });
}
