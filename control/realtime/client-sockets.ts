// Every WebSocket of a client, whatever it shows: how many a key or session may hold, whether the far side still lives,
// and the end of all of them when that is revoked, expires or logs out, or when we stop. What travels inside is hub.ts' and the log socket's business.
import type { WebSocket } from 'ws';
import { LongshoreError } from '#shared/errors.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import type { Clock } from '#shared/time.ts';
import type { Caller } from '../app/api/caller.ts';
import type { Credentials } from '../app/api/credentials.ts';

/** A page opens two or three; 20 leaves room for tabs and ends a leak early. */
export const MAX_SOCKETS_PER_KEY = 20;
const PING_INTERVAL_MS = 30_000;
/**
 * Frames and pings a client may send in a window; a person clicking makes a handful. Below the 60 unanswered pings at
 * which ws itself hangs up, without a word.
 */
export const MAX_FRAMES = 50;
const FRAME_WINDOW_MS = 10_000;
/** RFC 6455 §7.4.1: a policy was broken. */
const POLICY = 1008;
/** A closing handshake takes a round trip; a client that is gone never answers. */
const CLOSE_LIMIT_MS = 1_000;

export class ClientSockets {
  readonly #clock: Clock;
  readonly #isLive: (caller: Caller) => boolean;
  /** By the id of the key or session. */
  readonly #byKey = new Map<string, Set<WebSocket>>();

  /** `isLive`: whether the caller would still be let in. */
  constructor(clock: Clock, isLive: (caller: Caller) => boolean) {
    this.#clock = clock;
    this.#isLive = isLive;
  }

  /** Cuts the sockets of a key or session that ends; returns what ends the listening. */
  watch(credentials: Pick<Credentials, 'onRevoked'>): () => void {
    return credentials.onRevoked((keyId) => {
      for (const socket of this.#byKey.get(keyId) ?? []) this.#shutOut(socket);
    });
  }

  /** Before the upgrade: throws `too_many_sockets`. */
  admit(caller: Caller): void {
    if (this.#isFull(caller))
      throw new LongshoreError('too_many_sockets', { details: `At most ${MAX_SOCKETS_PER_KEY}` });
  }

  /**
   * After the upgrade. False when another upgrade was faster (the socket is closed with 4429) or the caller was shut out
   * during the handshake (4401). `countsMessages: false` is for a socket whose owner reads at its own pace.
   */
  adopt(socket: WebSocket, caller: Caller, { countsMessages = true }: { countsMessages?: boolean } = {}): boolean {
    socket.on('error', () => {}); // `close` follows and is what counts
    if (!this.#isLive(caller)) return this.#shutOut(socket);
    if (this.#isFull(caller)) {
      socket.close(CLOSE.overloaded, 'too many sockets');
      return false;
    }
    const own = this.#byKey.get(caller.keyId) ?? new Set();
    this.#byKey.set(caller.keyId, own.add(socket));
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0) this.#byKey.delete(caller.keyId);
    });
    this.#watchLife(socket);
    this.#watchFlood(socket, countsMessages ? ['message', 'ping'] : ['ping']);
    return true;
  }

  #shutOut(socket: WebSocket): false {
    socket.close(CLOSE.unauthorized, 'the API key or session ended');
    this.#endSoon(socket);
    return false;
  }

  #isFull(caller: Caller): boolean {
    return (this.#byKey.get(caller.keyId)?.size ?? 0) >= MAX_SOCKETS_PER_KEY;
  }

  /** A ping every interval; a client that was silent for a whole one is gone, whatever TCP says. */
  #watchLife(socket: WebSocket): void {
    let isAlive = true;
    const alive = () => void (isAlive = true);
    socket.on('pong', alive).on('ping', alive).on('message', alive);
    const check = () => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
      cancel = this.#clock.after(PING_INTERVAL_MS, check);
    };
    let cancel = this.#clock.after(PING_INTERVAL_MS, check);
    socket.once('close', () => cancel());
  }

  #watchFlood(socket: WebSocket, counted: readonly ('message' | 'ping')[]): void {
    let windowStart = this.#clock.now();
    let frames = 0;
    const count = () => {
      const now = this.#clock.now();
      if (now - windowStart >= FRAME_WINDOW_MS) [windowStart, frames] = [now, 0];
      if (++frames <= MAX_FRAMES) return;
      for (const event of counted) socket.off(event, count); // more of them come until the far side has heard
      socket.close(POLICY, 'too many frames');
      this.#endSoon(socket);
    };
    for (const event of counted) socket.on(event, count);
  }

  #endSoon(socket: WebSocket): void {
    const cancel = this.#clock.after(CLOSE_LIMIT_MS, () => socket.terminate());
    socket.once('close', cancel);
  }
}
