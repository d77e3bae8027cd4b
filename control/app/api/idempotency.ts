// Writes that have one effect however often they are asked for.
import type { Caller } from './caller.ts';

export interface Idempotency {
  /**
   * Runs `work` once for a caller's key: later calls with the same fingerprint within 24 h get the stored answer, also
   * after a crash; another fingerprint gets 409 idempotency_mismatch; one still under way is waited for.
   */
  once(
    caller: Caller,
    key: string,
    fingerprint: string,
    work: () => Promise<{ status: number; body: unknown }>,
  ): Promise<{ status: number; body: unknown; isReplay: boolean }>;
}
