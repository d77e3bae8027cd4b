// API keys as the app layer offers them.
import type { KeyRecord } from '../../store/records.ts';
import type { Permission } from '../permissions.ts';
import type { Caller } from './caller.ts';
import type { Page, Paging } from './page.ts';

export interface ApiKey extends Omit<KeyRecord, 'secretHash' | 'permissions'> {
  permissions: readonly Permission[];
}

export interface Keys {
  /** The only way in: undefined for a key that is missing, malformed, unknown, revoked or expired, in the same time. */
  identify(secret: string): Caller | undefined;
  list(caller: Caller, query: Paging): Page<ApiKey>;
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
  /** Called with the id when a key is revoked or expires: sockets it opened must go. */
  onRevoked(listener: (keyId: string) => void): () => void;
}
