// Login by an identity provider: an attempt that is remembered, an answer that is checked against it, a session.
//
//   begin: attempt on disk → browser to the provider → its answer → complete: attempt taken → identity → grant → session
import { randomBytes } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import { sha256 } from '#shared/secrets.ts';
import type { Clock } from '#shared/time.ts';
import type { LoginAttemptRecord } from '../../store/access-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { LoggedIn, Login } from '../api/sessions.ts';
import { grantOf, type ClaimRules, type Grant } from './claims.ts';
import type { Identity, IdentityProvider } from './identity-provider.ts';
import type { SessionDesk } from './sessions.ts';

/** From the click to the answer, with a password to look up and a second factor (RFC 6749 §10.12 asks for a bound). */
export const LOGIN_LIFE_MS = 10 * 60 * 1000;
export const CALLBACK_PATH = '/api/auth/callback';
const SECRET_BYTES = 32;
/** Longer than any browser's own; what is beyond is not kept. */
const MAX_USER_AGENT_CHARS = 300;

export interface LoginSettings extends ClaimRules {
  provider: IdentityProvider;
}

export interface LoginDeps {
  stores: Stores;
  sessions: SessionDesk;
  /** Null: nobody logs in, keys only. */
  settings: LoginSettings | null;
  /** Where browsers reach us; the provider sends them back there. */
  publicUrl: () => string;
  clock: Clock;
}

export class LoginDesk implements Login {
  readonly #deps: LoginDeps;

  constructor(deps: LoginDeps) {
    this.#deps = deps;
  }

  async begin({ returnTo, browser }: { returnTo: string; browser: string }): Promise<string> {
    const { stores, clock } = this.#deps;
    const secrets = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
    const url = await this.#settings().provider.loginUrl({ ...secrets, redirectUrl: this.#redirectUrl() });
    const { state, nonce, codeVerifier } = secrets;
    const attempt = { stateHash: sha256(state), browserHash: sha256(browser), nonce, codeVerifier, returnTo };
    await stores.writer.write(() => stores.loginAttempts.insert({ ...attempt, createdAt: clock.now() }));
    return url;
  }

  async complete(answer: Parameters<Login['complete']>[0]): Promise<LoggedIn> {
    const settings = this.#settings();
    const callbackUrl = new URL(this.#redirectUrl() + answer.search);
    const state = callbackUrl.searchParams.get('state') ?? '';
    const { nonce, codeVerifier, returnTo } = await this.#takeAttempt(state, answer.browser);
    const identity = await settings.provider.identify({ state, nonce, codeVerifier, callbackUrl });
    const { subject, name, email, idToken } = identity;
    const opened = await this.#deps.sessions.open(
      {
        ...(await this.#grantOf(identity, settings)),
        issuer: settings.provider.issuer,
        subject,
        name,
        email,
        idToken,
        address: answer.address,
        userAgent: answer.userAgent?.slice(0, MAX_USER_AGENT_CHARS) ?? null,
      },
      answer.replaces,
    );
    return { ...opened, returnTo };
  }

  async logout(caller: Caller): Promise<{ logoutUrl: string | null }> {
    const { stores, sessions, settings, publicUrl } = this.#deps;
    const { id } = sessions.current(caller);
    const idToken = stores.sessions.findIdToken(id);
    await sessions.revoke(caller, id);
    if (!settings || idToken === undefined) return { logoutUrl: null };
    // Ours is over whether or not the provider can be asked.
    const logoutUrl = await settings.provider.logoutUrl({ idToken, returnUrl: `${publicUrl()}/` }).catch(() => null);
    return { logoutUrl };
  }

  /** Who is refused now keeps no session from when they were not. */
  async #grantOf({ claims, subject }: Identity, settings: LoginSettings): Promise<Grant> {
    try {
      return grantOf(claims, settings);
    } catch (refusal) {
      await this.#deps.sessions.endAllOf({ issuer: settings.provider.issuer, subject });
      throw refusal;
    }
  }

  /** Whatever is wrong with it, a state that was shown once is spent. */
  async #takeAttempt(state: string, browser: string | undefined): Promise<LoginAttemptRecord> {
    const { stores, clock } = this.#deps;
    const attempt = await stores.writer.write(() => stores.loginAttempts.take(sha256(state)));
    const isFresh = attempt !== undefined && attempt.createdAt + LOGIN_LIFE_MS > clock.now();
    if (!isFresh || attempt.browserHash !== sha256(browser ?? '')) throw new LongshoreError('oidc_state_invalid');
    return attempt;
  }

  #settings(): LoginSettings {
    const { settings } = this.#deps;
    if (settings) return settings;
    throw new LongshoreError('not_supported', {
      message: 'There is no login: no identity provider is configured',
      details: 'Set oidc-issuer, oidc-client-id and oidc-permissions, or use an API key',
    });
  }

  #redirectUrl = (): string => this.#deps.publicUrl() + CALLBACK_PATH;
}

const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');
