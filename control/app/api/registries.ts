// Registry logins as the app layer offers them. Nobody is ever given a password.
import type { RegistryRecord } from '../../store/customer-records.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type Registry = RegistryRecord;

export interface RegistryQuery extends Paging {
  customerId?: string | undefined;
  search?: string | undefined;
  sort: 'name' | 'server' | 'created_at' | 'updated_at';
  order: Order;
}

export interface NewRegistry {
  /** As people write it; see toServer in shared/compose/image-name.ts. */
  server: string;
  username: string;
  password: string;
  /** The server, if not given. */
  name?: string | undefined;
  /** Whose services use it; absent: the caller's customer, or the operator. */
  customerId?: string | undefined;
}

export interface RegistryChange {
  name?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

/** A change counts from the next deploy on; what runs is left alone. */
export interface Registries {
  list(caller: Caller, query: RegistryQuery): Page<Registry>;
  require(caller: Caller, id: string): Registry;
  /** Throws name_taken where the server has a login in this scope, state_conflict for one too many. */
  create(caller: Caller, input: NewRegistry): Promise<Registry>;
  update(caller: Caller, id: string, change: RegistryChange): Promise<Registry>;
  remove(caller: Caller, id: string): Promise<void>;
}
