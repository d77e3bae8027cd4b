// The settings of the login by an identity provider: how each is read, and what must be there together.
import { readFileSync } from 'node:fs';
import { LongshoreError } from '#shared/errors.ts';
import type { ClaimRules, PermissionMap } from '../app/access/claims.ts';
import type { OidcSettings } from './provider.ts';

/** Everything about the login; null in the configuration when no issuer is set. */
export interface LoginConfig extends OidcSettings, ClaimRules {}

/** What providers call the groups of a person when nobody says otherwise. */
const DEFAULT_CLAIM = 'groups';
const DEFAULT_SCOPES = 'openid profile email';
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** https, or http to this machine; as the provider writes it, because it is compared with what it says. */
export function readIssuer(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || url.search !== '' || url.hash !== '' || url.username !== '') return undefined;
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname));
  return isSafe ? text : undefined;
}

export function readScopes(text: string): string | undefined {
  const scopes = text.split(/[\s,]+/).filter((scope) => scope !== '');
  return scopes.includes('openid') ? scopes.join(' ') : undefined;
}

/** The secret in the file, which a flag or an environment would show to others. */
export function readSecretFile(path: string): string | undefined {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    return secret === '' ? undefined : secret;
  } catch {
    return undefined;
  }
}

interface Values {
  'oidc-issuer'?: string;
  'oidc-client-id'?: string;
  'oidc-client-secret-file'?: string;
  'oidc-scopes'?: string;
  'oidc-permissions-claim'?: string;
  'oidc-permissions'?: PermissionMap;
  'oidc-customer-claim'?: string;
}

/** Throws `config_invalid` when a part is missing, or is there without the issuer. */
export function toLoginConfig(values: Values): LoginConfig | null {
  const issuer = values['oidc-issuer'];
  if (issuer === undefined) {
    const [lone] = Object.keys(values).filter((name) => name.startsWith('oidc-'));
    if (lone !== undefined) throw missing('oidc-issuer', lone);
    return null;
  }
  const { 'oidc-client-id': clientId, 'oidc-permissions': permissions } = values;
  if (clientId === undefined) throw missing('oidc-client-id', 'oidc-issuer');
  if (permissions === undefined) throw missing('oidc-permissions', 'oidc-issuer');
  return {
    issuer,
    clientId,
    clientSecret: values['oidc-client-secret-file'] ?? null,
    scopes: values['oidc-scopes'] ?? DEFAULT_SCOPES,
    permissionsClaim: values['oidc-permissions-claim'] ?? DEFAULT_CLAIM,
    permissions,
    customerClaim: values['oidc-customer-claim'] ?? null,
  };
}

const missing = (name: string, because: string): LongshoreError =>
  new LongshoreError('config_invalid', {
    message: `Cannot start the control plane: ${name} is missing, ${because} asks for it`,
  });
