// Sessions of people: opened by a login, proven by a secret that only its hash is kept of. The guard asks `identify` for
// every request and upgrade that brings a cookie.
import { randomBytes } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { SessionRecord } from '../../store/access-records.ts';
import type { Person } from '../../store/sessions.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { OpenedSession, Session, SessionQuery, Sessions } from '../api/sessions.ts';
import { CredentialLife } from './credential-life.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { holds, type Permission } from './permissions.ts';
import { missing } from '../missing.ts';

/** A working day with its breaks: what the provider said about a person is asked anew after it. */
export const SESSION_LIFE_MS = 12 * 3600 * 1000;
/** Without a request: a screen left alone over a long lunch. An open WebSocket is no use. */
export const SESSION_IDLE_MS = 2 * 3600 * 1000;
const SECRET_BYTES = 32;

export type NewSession = Pick<
  SessionRecord,
  'issuer' | 'subject' | 'name' | 'email' | 'permissions' | 'customerId' | 'address' | 'userAgent'
> & { idToken: string };

export class SessionDesk implements Sessions {
  readonly #stores: Stores;
  readonly #effects: IdempotencyDesk;
  readonly #clock: Clock;
  readonly #life: CredentialLife;

  constructor(stores: Stores, effects: IdempotencyDesk, clock: Clock) {
    this.#stores = stores;
    this.#life = new CredentialLife(stores.writer, (id, at) => stores.sessions.setUsed(id, at));
    this.#effects = effects;
    this.#clock = clock;
  }

  identify(secret: string): Caller | undefined {
    const session = this.#stores.sessions.findByHash(sha256(secret));
    if (!session || this.#isOver(session)) return undefined;
    this.#life.use(session.id, this.#clock.now());
    return toCaller(session);
  }

  isLive(id: string): boolean {
    const session = this.#stores.sessions.find(id);
    return session !== undefined && !this.#isOver(session);
  }

  onRevoked(listener: (id: string) => void): () => void {
    return this.#life.onEnd(listener);
  }

  current(caller: Caller): Session {
    const session = this.#own(caller);
    if (!session) throw new LongshoreError('unauthorized', { message: 'There is no session: log in first' });
    return this.#toSession(session);
  }

  list(caller: Caller, query: SessionQuery): Page<Session> {
    const { page, perPage, order } = query;
    const mine = this.#own(caller);
    const seesAll = holds(caller.permissions, 'keys.read') && caller.hostLabels === null;
    if (!seesAll && !mine) return { items: [], total: 0, page, perPage };
    const { items, total } = this.#stores.sessions.list({
      page,
      perPage,
      order,
      person: seesAll ? undefined : mine,
      customerId: caller.customerId ?? undefined,
    });
    return { items: items.map((session) => this.#toSession(session)), total, page, perPage };
  }

  async revoke(caller: Caller, id: string): Promise<void> {
    await this.#effects.perform(() => (tx) => {
      const session = this.#stores.sessions.find(id);
      if (!session || !this.#mayEnd(caller, session)) throw missing('session', id);
      this.#end(tx, session);
      return null;
    });
  }

  /**
   * The secret is new for every session. A session the browser had before is over, and so is each of the person's that
   * may do what the provider gives no more.
   */
  async open({ idToken, ...given }: NewSession, replaces: string | undefined): Promise<OpenedSession> {
    const now = this.#clock.now();
    const secret = `lss_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const session: SessionRecord = {
      ...given,
      id: newId('ses', now),
      secretHash: sha256(secret),
      createdAt: now,
      expiresAt: now + SESSION_LIFE_MS,
      lastUsedAt: now,
    };
    const { sessions } = this.#stores;
    const open = (tx: WriteContext) => {
      const old = replaces === undefined ? undefined : sessions.findByHash(sha256(replaces));
      if (old) this.#end(tx, old);
      for (const other of sessions.ofPerson(session)) if (mayMore(other, session)) this.#end(tx, other);
      sessions.insert(session, idToken);
      return { id: session.id };
    };
    await this.#effects.perform(() => open, toCaller(session)); // whoever logs in is nobody until now
    return { session: this.#toSession(session), secret };
  }

  /** The provider gives the person nothing any more. */
  async endAllOf(person: Person): Promise<void> {
    const { writer, sessions } = this.#stores;
    await writer.write((tx) => sessions.ofPerson(person).forEach((session) => this.#end(tx, session)));
  }

  /** Sessions of a customer that is being deleted go with it. */
  endOfCustomer(tx: WriteContext, customerId: string): void {
    for (const session of this.#stores.sessions.ofCustomer(customerId)) this.#end(tx, session);
  }

  /** Ends sessions that are too old or were left alone. Safe to run at any time and twice. */
  async endExpired(): Promise<void> {
    const now = this.#clock.now();
    const { writer, sessions } = this.#stores;
    const over = sessions.overdue(now, now - SESSION_IDLE_MS).filter((session) => this.#isOver(session));
    if (over.length === 0) return;
    await writer.write((tx) => over.forEach((session) => this.#end(tx, session)));
  }

  /** Writes down when sessions were last used. */
  noteUses(): Promise<void> {
    return this.#life.noteUses();
  }

  #end(tx: WriteContext, { id }: SessionRecord): void {
    if (this.#stores.sessions.remove(id)) tx.afterCommit(() => this.#life.end(id));
  }

  #own(caller: Caller): SessionRecord | undefined {
    return caller.kind === 'session' ? this.#stores.sessions.find(caller.keyId) : undefined;
  }

  #mayEnd(caller: Caller, session: SessionRecord): boolean {
    const mine = this.#own(caller);
    if (mine && mine.issuer === session.issuer && mine.subject === session.subject) return true;
    const isSeen = caller.hostLabels === null && [null, session.customerId].includes(caller.customerId);
    return isSeen && holds(caller.permissions, 'keys.delete');
  }

  #isOver(session: SessionRecord): boolean {
    return Math.min(session.expiresAt, this.#idleEnd(session)) <= this.#clock.now();
  }

  #idleEnd = (session: SessionRecord): number => this.#lastUse(session) + SESSION_IDLE_MS;

  #lastUse = ({ id, lastUsedAt }: SessionRecord): number => this.#life.lastUse(id) ?? lastUsedAt;

  #toSession(record: SessionRecord): Session {
    const { secretHash: _s, permissions, ...session } = record;
    return {
      ...session,
      permissions: permissions as Permission[],
      lastUsedAt: this.#lastUse(record),
      idleEndsAt: this.#idleEnd(record),
    };
  }
}

const mayMore = (a: SessionRecord, b: SessionRecord): boolean =>
  a.customerId !== b.customerId || a.permissions.some((permission) => !b.permissions.includes(permission));

const toCaller = ({ id, name, permissions, customerId }: SessionRecord): Caller => ({
  kind: 'session',
  keyId: id,
  name,
  permissions: permissions as Permission[],
  customerId,
  hostLabels: null,
  rateLimit: null,
});
