// Sessions of people as the app layer offers them, and the login that begins one.
import type { SessionRecord } from '../../store/access-records.ts';
import type { Permission } from '../access/permissions.ts';
import type { Caller } from './caller.ts';
import type { Credentials } from './credentials.ts';
import type { Order, Page, Paging } from './page.ts';

export interface Session extends Omit<SessionRecord, 'secretHash' | 'permissions'> {
  permissions: readonly Permission[];
  /** When it ends unless it is used before. */
  idleEndsAt: number;
}

export interface SessionQuery extends Paging {
  /** By age, the newest first unless asked otherwise. */
  order?: Order | undefined;
}

export interface Sessions extends Credentials {
  /** The caller's own session; `unauthorized` for whoever came another way. */
  current(caller: Caller): Session;
  /** The person's own; with keys.read all that the caller may see. */
  list(caller: Caller, query: SessionQuery): Page<Session>;
  /** The person's own; with keys.delete any that the caller may see. */
  revoke(caller: Caller, id: string): Promise<void>;
}

export interface OpenedSession {
  /** What the browser proves itself with from now on. */
  secret: string;
  session: Session;
}

export interface LoggedIn extends OpenedSession {
  /** Where the browser goes next: a path of ours. */
  returnTo: string;
}

export interface Login {
  /**
   * The provider's page for this browser. `browser` is a secret that only it holds: the answer must come from the same.
   * `not_supported` without a provider, `unavailable` when it does not answer.
   */
  begin(request: { returnTo: string; browser: string }): Promise<string>;
  /**
   * Takes the provider's answer, the query of the callback. `oidc_state_invalid` unless it answers an attempt of this
   * browser, for the first time; `forbidden` without a permission. A session under `replaces` ends.
   */
  complete(answer: {
    search: string;
    browser: string | undefined;
    replaces: string | undefined;
    address: string;
    userAgent: string | undefined;
  }): Promise<LoggedIn>;
  /** Ends the caller's session; the URL ends that at the provider as well, null when it offers none. */
  logout(caller: Caller): Promise<{ logoutUrl: string | null }>;
}
