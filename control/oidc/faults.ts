// What goes wrong between us and an identity provider, as errors of ours. The library's own errors never leave this
// folder: the causes they carry hold tokens.
import { LongshoreError } from '#shared/errors.ts';

/** As openid-client throws them: its code, an OAuth error by name, and beneath the reason in fixed words. */
interface Fault {
  code?: string;
  /** RFC 6749 §5.2 and §4.1.2.1. */
  error?: string;
  message?: string;
  cause?: unknown;
}

const SAFE_NAME = /^[\w.-]{1,64}$/;

export function toLoginFault(thrown: unknown): LongshoreError {
  if (thrown instanceof LongshoreError) return thrown;
  const fault = thrown as Fault;
  const details = reasonOf(fault);
  if (isOfAnotherLogin(fault)) return new LongshoreError('oidc_state_invalid', { details });
  if (isAway(thrown)) return new LongshoreError('unavailable', { message: 'The identity provider does not answer' });
  return new LongshoreError('oidc_failed', { details });
}

/** A code that was used before or belongs to another PKCE verifier, or an ID token that was made for another nonce. */
function isOfAnotherLogin({ error, cause }: Fault): boolean {
  if (error === 'invalid_grant') return true;
  const compared = cause instanceof Error ? (cause.cause as { claim?: unknown } | undefined) : undefined;
  return compared?.claim === 'nonce';
}

/** A network that fails, a provider that is slow, or one that says so itself. */
function isAway(thrown: unknown): boolean {
  const fault = thrown as Fault;
  // How fetch fails; what the library is misused with has a code, and a mistake of ours no cause.
  if (thrown instanceof TypeError && fault.code === undefined && fault.cause !== undefined) return true;
  if (fault.code === 'OAUTH_TIMEOUT') return true;
  return fault.cause instanceof Response && fault.cause.status >= 500;
}

/** Fixed words of the library or the name of an OAuth error: never a value from a token. */
function reasonOf({ error, message = '', cause }: Fault): string {
  if (error !== undefined) return SAFE_NAME.test(error) ? error : 'an error without a name';
  if (cause instanceof Response) return `${message} (${cause.status})`;
  const inner = cause instanceof Error ? cause.message : '';
  return inner === '' || inner === message ? message : `${message}: ${inner}`;
}
