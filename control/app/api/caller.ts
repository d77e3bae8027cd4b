// Who asks.
import type { Permission } from '../access/permissions.ts';

/** Whoever calls, as the guard found it. `null` bindings mean "all". */
export interface Caller {
  kind: 'key' | 'session' | 'system';
  /** Of the key or the session: what is counted, revoked and audited. */
  keyId: string;
  name: string;
  permissions: readonly Permission[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  /** Requests a minute; null is the tier's default. */
  rateLimit: number | null;
}
