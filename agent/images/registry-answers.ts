// What a registry's answer means. Pure.
import { LongshoreError } from '#shared/errors.ts';
import type { RegistryLogin } from '#shared/model.ts';

/** What was asked about. */
export interface Subject {
  server: string;
  image: string;
  login: RegistryLogin | undefined;
}

export const DIGEST = /^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/;

/** The digest of a tag. Throws what stands in its way. */
export function digestOf(status: number, header: string | undefined, subject: Subject): string {
  if (status !== 200) throw statusFault(status, subject);
  if (header !== undefined && DIGEST.test(header)) return header;
  throw new LongshoreError('egress_failed', { message: `Registry "${subject.server}" tells no digests` });
}

/** The manifest as it is written. Throws what stands in its way. */
export function manifestOf(status: number, text: string, subject: Subject): string {
  if (status !== 200) throw statusFault(status, subject);
  return text;
}

/** Many registries say 401 or 403 of what is not there as well. */
export function statusFault(status: number, { server, image, login }: Subject): LongshoreError {
  if (status === 401 && login) {
    const message = `Registry "${server}" refuses the login of "${login.username}"`;
    return new LongshoreError('registry_login_failed', { message });
  }
  if (status === 401 || status === 403) {
    const who = login ? `does not show "${image}" to "${login.username}"` : `wants a login for "${image}"`;
    return new LongshoreError('image_unavailable', { message: `Registry "${server}" ${who}` });
  }
  if (status === 404)
    return new LongshoreError('image_unavailable', { message: `Registry "${server}" has no "${image}"` });
  if (status === 429) return pausedFault(server);
  return new LongshoreError('egress_failed', { message: `Registry "${server}" answered ${status}` });
}

export const pausedFault = (server: string): LongshoreError =>
  new LongshoreError('rate_limited', { message: `Registry "${server}" asks to be asked later` });

/** Where a registry says "later" without saying when. */
const DEFAULT_PAUSE_MS = 15 * 60_000;
const MIN_PAUSE_MS = 60_000;
/** The longest window of limits that is known, Docker Hub's, is six hours. */
const MAX_PAUSE_MS = 6 * 3600_000;

/** How long to leave a registry alone; `retryAfter`: seconds or a date (RFC 9110, 10.2.3). */
export function pauseOf(retryAfter: string | undefined, now: number): number {
  const text = retryAfter?.trim() ?? '';
  const askedMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(askedMs) ? DEFAULT_PAUSE_MS : Math.min(Math.max(askedMs, MIN_PAUSE_MS), MAX_PAUSE_MS);
}
