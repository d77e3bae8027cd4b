// From what an identity provider says about a person to what it may do here. Pure.
import { LongshoreError } from '#shared/errors.ts';
import { isPermission, type Permission } from './permissions.ts';

/** Value of the claim → what it gives. */
export type PermissionMap = ReadonlyMap<string, readonly Permission[]>;

export interface ClaimRules {
  /** Path of the claim that is looked up in `permissions`: `groups`, `realm_access.roles`. */
  permissionsClaim: string;
  permissions: PermissionMap;
  /** Path of the claim that names the customer a person is bound to; null binds nobody. */
  customerClaim: string | null;
}

export interface Grant {
  permissions: Permission[];
  customerId: string | null;
}

type Claims = Readonly<Record<string, unknown>>;

/** As long as ids of ours get, with room. */
const MAX_CUSTOMER_CHARS = 64;

/** `admins=*;viewers=services.read,services.logs`; undefined when it is none. A value may hold `=` (an LDAP name). */
export function readPermissionMap(text: string): PermissionMap | undefined {
  const map = new Map<string, Permission[]>();
  for (const entry of text.split(';').filter((part) => part.trim() !== '')) {
    const end = entry.lastIndexOf('=');
    const value = entry.slice(0, Math.max(end, 0)).trim();
    const permissions = entry
      .slice(end + 1)
      .split(',')
      .map((permission) => permission.trim());
    if (value === '' || !permissions.every(isPermission)) return undefined;
    map.set(value, [...(map.get(value) ?? []), ...permissions]);
  }
  return map.size === 0 ? undefined : map;
}

/** What the claims give. `forbidden` for whoever has no permission at all, or no customer where one is needed. */
export function grantOf(claims: Claims, rules: ClaimRules): Grant {
  const values = readValues(claims, rules.permissionsClaim);
  const permissions = [...new Set(values.flatMap((value) => rules.permissions.get(value) ?? []))];
  if (permissions.length === 0)
    throw refusal(`No value of the claim "${rules.permissionsClaim}" stands for a permission here`);
  return { permissions, customerId: customerOf(claims, rules.customerClaim, permissions) };
}

/** Unbound is more than bound: it takes `*`, so that a claim that is forgotten at the provider opens nothing. */
function customerOf(claims: Claims, path: string | null, permissions: readonly Permission[]): string | null {
  if (path === null) return null;
  const [customerId, ...others] = readValues(claims, path);
  if (customerId === undefined && permissions.includes('*')) return null;
  if (customerId === undefined || others.length > 0 || customerId.length > MAX_CUSTOMER_CHARS)
    throw refusal(`The claim "${path}" does not name one customer`);
  return customerId;
}

/** The texts at a dotted path. A claim whose own name holds the dots (`https://example.com/roles`) is found as well. */
function readValues(claims: Claims, path: string): string[] {
  const value = Object.hasOwn(claims, path) ? claims[path] : path.split('.').reduce<unknown>(readField, claims);
  return [value].flat().filter((each): each is string => typeof each === 'string' && each !== '');
}

function readField(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
}

const refusal = (details: string): LongshoreError =>
  new LongshoreError('forbidden', { message: 'The identity provider knows you, but nobody gave you access', details });
