// Coolify's variables that mean more than their name: `SERVICE_<KIND>_<NAME>`, made once and shared by all services.
import type { Generate } from '../schema.ts';
import type { Form, FormVariable } from './form.ts';

/** Longer kinds first: `PASSWORD_64` is not the password of a service called `64_…`. */
const KINDS: readonly [prefix: string, generate: Generate, isSecret: boolean][] = [
  ['PASSWORDWITHSYMBOLS_64', { kind: 'password', chars: 64, symbols: true }, true],
  ['PASSWORDWITHSYMBOLS', { kind: 'password', chars: 32, symbols: true }, true],
  ['PASSWORD_64', { kind: 'alnum', chars: 64 }, true],
  ['PASSWORD', { kind: 'alnum', chars: 32 }, true],
  ['LOWERCASEUSER', { kind: 'username', chars: 16 }, false],
  ['USER', { kind: 'alnum', chars: 16 }, false],
  ['REALBASE64_128', { kind: 'base64', bytes: 128 }, true],
  ['REALBASE64_64', { kind: 'base64', bytes: 64 }, true],
  ['REALBASE64_32', { kind: 'base64', bytes: 32 }, true],
  ['REALBASE64', { kind: 'base64', bytes: 32 }, true],
  ['BASE64_128', { kind: 'alnum', chars: 128 }, true],
  ['BASE64_64', { kind: 'alnum', chars: 64 }, true],
  ['BASE64_32', { kind: 'alnum', chars: 32 }, true],
  ['BASE64', { kind: 'alnum', chars: 32 }, true],
  ['HEX_128', { kind: 'hex', chars: 128 }, true],
  ['HEX_64', { kind: 'hex', chars: 64 }, true],
  ['HEX_32', { kind: 'hex', chars: 32 }, true],
];

/** Signs the two tokens of Supabase. */
const JWT_SECRET = 'SERVICE_PASSWORD_JWT';
const SUPABASE_ROLES: Record<string, string> = { SUPABASEANON: 'anon', SUPABASESERVICE: 'service_role' };

export const isMagic = (name: string): boolean => /^SERVICE_[A-Z0-9]+_/.test(name) && magicKind(name) !== undefined;

/** An address of a service: its own host port, as far as one knows without a domain. */
export interface Address {
  /** The variable without the port that its name may carry. */
  base: string;
  service: string;
  isUrl: boolean;
  port: number | undefined;
}

/** `SERVICE_URL_N8N_5678` and `SERVICE_FQDN_APP`; undefined for other names. */
export function addressOf(name: string): Address | undefined {
  const [, kind, rest = ''] = /^SERVICE_(URL|FQDN)_(.+)$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  const [, service = rest, port] = /^(.+?)_(\d{2,5})$/.exec(rest) ?? [];
  return {
    base: `SERVICE_${kind}_${service}`,
    service,
    isUrl: kind === 'URL',
    port: port === undefined ? undefined : Number(port),
  };
}

function magicKind(name: string): FormVariable | undefined {
  const rest = name.slice('SERVICE_'.length);
  const [, role] = Object.entries(SUPABASE_ROLES).find(([prefix]) => rest.startsWith(`${prefix}_`)) ?? [];
  if (role !== undefined) {
    const claims = { role, iss: 'supabase' };
    return { name, secret: true, type: 'password', generate: { kind: 'jwt', from: JWT_SECRET, claims } };
  }
  const [, generate, isSecret] = KINDS.find(([prefix]) => rest.startsWith(`${prefix}_`)) ?? [];
  if (!generate) return undefined;
  return { name, generate, advanced: true, ...(isSecret && { secret: true, type: 'password' }) };
}

/** Declares a variable that Coolify would make up; false for any other. */
export function addMagic(name: string, form: Form): boolean {
  const variable = magicKind(name);
  if (!variable) return false;
  form.add({ ...variable, required: true });
  if (variable.generate?.from === JWT_SECRET) addMagic(JWT_SECRET, form);
  return true;
}
