// How links end: which error closes with which WebSocket code, and a close that a half-open socket can't hold up.
import { LongshoreError, type ErrorCode } from '../errors.ts';
import type { Clock } from '../time.ts';
import { CLOSE } from './limits.ts';
import type { Socket } from './socket.ts';

/** A far side that is there confirms a close at once; a half-open socket never does. */
const CLOSE_CONFIRM_LIMIT_MS = 2000;

const CLOSE_OF: Partial<Record<ErrorCode, number>> = {
  protocol_violation: CLOSE.protocol,
  handshake_failed: CLOSE.unauthorized,
  token_invalid: CLOSE.unauthorized,
  revoked: CLOSE.revoked,
  timed_out: CLOSE.timeout,
  stale: CLOSE.replaced,
  identity_conflict: CLOSE.fenced,
  unsupported: CLOSE.upgradeNeeded,
  unavailable: CLOSE.overloaded,
};

/** 1011 (RFC 6455: an unexpected condition) for what is nobody's fault but ours. */
const CLOSE_INTERNAL = 1011;

export const closeCodeOf = (code: ErrorCode): number => CLOSE_OF[code] ?? CLOSE_INTERNAL;

const ERROR_OF: Partial<Record<number, ErrorCode>> = {
  [CLOSE.protocol]: 'protocol_violation',
  [CLOSE.unauthorized]: 'handshake_failed',
  [CLOSE.revoked]: 'revoked',
  [CLOSE.timeout]: 'timed_out',
  [CLOSE.replaced]: 'stale',
  [CLOSE.fenced]: 'identity_conflict',
  [CLOSE.upgradeNeeded]: 'unsupported',
  [CLOSE.overloaded]: 'unavailable',
};

/** Of a close with 1012: when its host is to come back. An older agent passes over it. */
export const restartReason = (retryAfterS: number): string => `restart; retry_after=${retryAfterS}`;

const RETRY_AFTER = /; retry_after=(\d{1,4})$/;

/** The error a close code stands for; `link_closed` for the ordinary ends. */
export function errorOfClose(code: number, reason: string): LongshoreError {
  const known = ERROR_OF[code];
  const retryAfterS = code === CLOSE.restart ? RETRY_AFTER.exec(reason)?.[1] : undefined;
  return new LongshoreError(known ?? 'link_closed', {
    details: `closed with ${code}${reason && ` ${reason}`}`,
    ...(retryAfterS !== undefined && { retryAfter: Number(retryAfterS) }),
  });
}

/** Starts the closing handshake and drops the socket when nobody answers it. */
export function closeSocket(socket: Socket, clock: Clock, code: number, reason: string): void {
  const cancel = clock.after(CLOSE_CONFIRM_LIMIT_MS, () => socket.terminate());
  socket.onClose(cancel);
  socket.close(code, reason);
}
