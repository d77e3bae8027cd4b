// An OpenID Connect provider, found by discovery: authorization code with PKCE (S256), state, nonce and issuer, the ID
// token's signature checked. Nothing is loaded or asked before the first login, so that a provider which is away keeps
// nobody from starting; a discovery that failed is tried again by the next login.
import type { ClientAuth, Configuration, IDToken, UserInfoResponse } from 'openid-client';
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Identity, IdentityProvider, LoginSecrets } from '../app/access/identity-provider.ts';
import { toLoginFault } from './faults.ts';

export interface OidcSettings {
  issuer: string;
  clientId: string;
  /** Null for a public client: PKCE alone. */
  clientSecret: string | null;
  /** Separated by spaces; `openid` is among them. */
  scopes: string;
}

/** A person waits for each of these calls. */
const CALL_LIMIT_S = 10;
const MAX_NAME_CHARS = 200;

type Library = typeof import('openid-client');
interface Found {
  oidc: Library;
  provider: Configuration;
}

export class OidcProvider implements IdentityProvider {
  readonly issuer: string;
  readonly #settings: OidcSettings;
  readonly #log: Logger;
  #found: Promise<Found> | undefined;

  constructor(settings: OidcSettings, log: Logger) {
    this.issuer = settings.issuer;
    this.#settings = settings;
    this.#log = log;
  }

  loginUrl({ redirectUrl, state, nonce, codeVerifier }: LoginSecrets & { redirectUrl: string }): Promise<string> {
    return this.#ask(async ({ oidc, provider }) => {
      const parameters = {
        redirect_uri: redirectUrl,
        scope: this.#settings.scopes,
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      };
      return oidc.buildAuthorizationUrl(provider, parameters).href;
    });
  }

  identify({ callbackUrl, state, nonce, codeVerifier }: LoginSecrets & { callbackUrl: URL }): Promise<Identity> {
    return this.#ask(async (found) => {
      requireAnswer(callbackUrl.searchParams);
      const tokens = await found.oidc.authorizationCodeGrant(found.provider, callbackUrl, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      });
      const [claims, idToken] = [tokens.claims(), tokens.id_token];
      if (!claims || idToken === undefined) throw new LongshoreError('oidc_failed', { details: 'no ID token' });
      return toIdentity(claims, await fetchUserInfo(found, tokens.access_token, claims.sub), idToken);
    });
  }

  logoutUrl({ idToken, returnUrl }: { idToken: string; returnUrl: string }): Promise<string | null> {
    return this.#ask(({ oidc, provider }) => {
      if (provider.serverMetadata().end_session_endpoint === undefined) return null;
      const parameters = { id_token_hint: idToken, post_logout_redirect_uri: returnUrl };
      return oidc.buildEndSessionUrl(provider, parameters).href;
    });
  }

  async #ask<T>(work: (found: Found) => T | Promise<T>): Promise<T> {
    try {
      return await work(await this.#find());
    } catch (thrown) {
      const fault = toLoginFault(thrown);
      const { code, details: reason } = fault;
      this.#log.warn({ issuer: this.issuer, code, reason }, 'a login failed at the provider');
      throw fault;
    }
  }

  #find(): Promise<Found> {
    this.#found ??= discover(this.#settings).catch((error: unknown) => {
      this.#found = undefined;
      throw error;
    });
    return this.#found;
  }
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<Found> {
  const oidc = await import('openid-client');
  const server = new URL(issuer);
  const authentication = clientSecret === null ? oidc.None() : withSecret(oidc, clientSecret);
  const provider = await oidc.discovery(server, clientId, undefined, authentication, {
    timeout: CALL_LIMIT_S,
    execute: [
      oidc.enableNonRepudiationChecks,
      // oxlint-disable-next-line typescript/no-deprecated -- marked so to be noticed; config.ts allows http here only
      ...(server.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
    ],
  });
  return { oidc, provider };
}

/** In the header, as OpenID Connect has it by default (Core §9), unless the provider takes it in the body only. */
function withSecret(oidc: Library, secret: string): ClientAuth {
  const [inHeader, inBody] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authenticate = methods.includes('client_secret_basic') ? inHeader : inBody;
    return authenticate(server, ...rest);
  };
}

/** Neither an answer nor a refusal: nobody sent this but whoever typed it. */
function requireAnswer(parameters: URLSearchParams): void {
  if (!parameters.has('code') && !parameters.has('error'))
    throw new LongshoreError('oidc_state_invalid', { details: 'no code' });
}

/** Providers put groups and roles here or into the ID token. */
async function fetchUserInfo(
  { oidc, provider }: Found,
  accessToken: string,
  subject: string,
): Promise<UserInfoResponse | undefined> {
  if (provider.serverMetadata().userinfo_endpoint === undefined) return undefined;
  return oidc.fetchUserInfo(provider, accessToken, subject);
}

/** What is signed wins over what is not. */
function toIdentity(signed: IDToken, more: UserInfoResponse | undefined, idToken: string): Identity {
  const claims: Record<string, unknown> = { ...more, ...signed };
  const text = (name: string) => {
    const value = claims[name];
    return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME_CHARS) : undefined;
  };
  const email = text('email') ?? null;
  const name = text('name') ?? text('preferred_username') ?? email ?? signed.sub;
  return { subject: signed.sub, name, email, claims, idToken };
}
