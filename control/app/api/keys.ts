// API keys as the app layer offers them.
import type { KeyRecord } from '../../store/access-records.ts';
import type { Permission } from '../access/permissions.ts';
import type { Caller } from './caller.ts';
import type { Credentials } from './credentials.ts';
import type { Order, Page, Paging } from './page.ts';

export interface ApiKey extends Omit<KeyRecord, 'secretHash' | 'permissions'> {
  permissions: readonly Permission[];
}

export const KEY_SORTS = ['created_at', 'name'] as const;
export interface KeyQuery extends Paging {
  sort?: (typeof KEY_SORTS)[number] | undefined;
  order?: Order | undefined;
}

export interface Keys extends Credentials {
  list(caller: Caller, query: KeyQuery): Page<ApiKey>;
  /** Throws not_found, also for a key the caller may not see. */
  require(caller: Caller, id: string): ApiKey;
  /** `secret` is shown once. A caller cannot give what it does not hold (403). */
  create(
    caller: Caller,
    input: {
      name: string;
      permissions: Permission[];
      customerId?: string | undefined;
      hostLabels?: Record<string, string> | undefined;
      expiresAt?: number | undefined;
      rateLimit?: number | undefined;
    },
  ): Promise<{ key: ApiKey; secret: string }>;
  revoke(caller: Caller, id: string): Promise<void>;
}
