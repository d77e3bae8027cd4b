// One-use tickets for WebSocket upgrades: a browser puts a ticket that lives for 30 seconds into the URL instead of a
// key. They live in memory only; after a restart the client asks for another one.
import { randomBytes } from 'node:crypto';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { Caller } from '../app/api/caller.ts';
import type { Credentials } from '../app/api/credentials.ts';

export const TICKET_LIFE_MS = 30_000;
/** Open tickets of one key or session; beyond it the oldest goes. A page opens a handful of sockets at once. */
const MAX_OPEN = 100;

interface Ticket {
  caller: Caller;
  expiresAt: number;
}

export class Tickets {
  readonly #clock: Clock;
  /** By hash: what lies in memory opens nothing. In the order of making, so the oldest come first. */
  readonly #open = new Map<string, Ticket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets the tickets of a key or session that ends; returns what ends the listening. */
  watch(credentials: Pick<Credentials, 'onRevoked'>): () => void {
    return credentials.onRevoked((keyId) => {
      for (const hash of this.#of(keyId)) this.#open.delete(hash);
    });
  }

  issue(caller: Caller): { ticket: string; expiresAt: number } {
    this.#sweep();
    const own = this.#of(caller.keyId);
    if (own.length >= MAX_OPEN) this.#open.delete(own[0] as string);
    const ticket = `lst_${randomBytes(32).toString('base64url')}`;
    const expiresAt = this.#clock.now() + TICKET_LIFE_MS;
    this.#open.set(sha256(ticket), { caller, expiresAt });
    return { ticket, expiresAt };
  }

  /** Who the ticket was made for, once. */
  redeem(ticket: string): Caller | undefined {
    const hash = sha256(ticket);
    const found = this.#open.get(hash);
    this.#open.delete(hash);
    return found && found.expiresAt > this.#clock.now() ? found.caller : undefined;
  }

  #of(keyId: string): string[] {
    return [...this.#open].filter(([, ticket]) => ticket.caller.keyId === keyId).map(([hash]) => hash);
  }

  #sweep(): void {
    for (const [hash, ticket] of this.#open) {
      if (ticket.expiresAt > this.#clock.now()) return;
      this.#open.delete(hash);
    }
  }
}
