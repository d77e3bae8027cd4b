// Who asks.
import type { Permission } from '../permissions.ts';

/** The holder of a key, as the guard found it. `null` bindings mean "all". */
export interface Caller {
  keyId: string;
  name: string;
  permissions: readonly Permission[];
  customerId: string | null;
  hostLabels: Record<string, string> | null;
  /** Requests a minute; null is the tier's default. */
  rateLimit: number | null;
}
