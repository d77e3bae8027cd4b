// The name of a plan: until when it counts, and a digest of what was planned and of the host as it was. It holds all
// there is to compare, so nothing has to be kept. Whoever makes one up only fools themselves: it guards no one else.
import { LongshoreError } from '#shared/errors.ts';

/** Longer than a person reads a plan, shorter than a host stays as it is. */
export const PLAN_LIFE_MS = 10 * 60_000;
const DIGEST_CHARS = 40;
const FORM = /^dp_([0-9a-z]{1,10})_([0-9a-f]{40})$/;

export const toPlanId = (digest: string, expiresAt: number): string =>
  `dp_${expiresAt.toString(36)}_${digest.slice(0, DIGEST_CHARS)}`;

/** Throws `validation_error` for what is no plan's name, `state_conflict` for one that is too old. */
export function requireLivePlan(planId: string, now: number): { digest: string } {
  const [, expiry = '', digest] = FORM.exec(planId) ?? [];
  if (digest === undefined)
    throw new LongshoreError('validation_error', { fields: { plan_id: 'Not the id of a plan' } });
  if (Number.parseInt(expiry, 36) > now) return { digest };
  throw conflict('The plan is older than 10 minutes');
}

/** Throws `state_conflict` when a plan that is made now has another digest. */
export function requireSamePlan(planned: string, now: string): void {
  if (!now.startsWith(planned)) throw notAsPlanned();
}

export const notAsPlanned = (): LongshoreError =>
  conflict('This is not what was planned: the host, the service or the request is another than then');

const conflict = (message: string): LongshoreError =>
  new LongshoreError('state_conflict', { message, details: 'Nothing was changed. Plan again and decide anew.' });
