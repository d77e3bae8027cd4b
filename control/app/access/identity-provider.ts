// The identity provider as the app layer sees it; control/oidc/ fills it.

/** What was made for one login and comes back with its answer. */
export interface LoginSecrets {
  state: string;
  nonce: string;
  /** PKCE (RFC 7636): 43 characters of base64url. */
  codeVerifier: string;
}

/** Who the provider says it is. */
export interface Identity {
  /** Unique and never given to another, at this issuer. */
  subject: string;
  name: string;
  email: string | null;
  /** All that was said, for the settings to pick permissions from. */
  claims: Readonly<Record<string, unknown>>;
  idToken: string;
}

export interface IdentityProvider {
  issuer: string;
  /** `unavailable` when the provider does not answer. */
  loginUrl(login: LoginSecrets & { redirectUrl: string }): Promise<string>;
  /**
   * `callbackUrl` as the provider was told it, with the query it sent. `oidc_state_invalid` when the answer is for
   * another login or was used before, `oidc_failed` when the provider refuses, `unavailable` when it does not answer.
   */
  identify(login: LoginSecrets & { callbackUrl: URL }): Promise<Identity>;
  /** Null when the provider has no such page. */
  logoutUrl(logout: { idToken: string; returnUrl: string }): Promise<string | null>;
}
