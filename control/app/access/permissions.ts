// Permissions: `resource.verb`, `resource.*` or `*`. One list, so a route cannot ask for one that no key can hold.

export const PERMISSIONS = [
  'services.read',
  'services.create',
  'services.update',
  'services.delete',
  'services.logs',
  'services.exec',
  'secrets.read',
  'hosts.read',
  'hosts.create',
  'hosts.update',
  'hosts.delete',
  'customers.read',
  'customers.create',
  'customers.update',
  'customers.delete',
  'plans.read',
  'plans.create',
  'plans.update',
  'plans.delete',
  'registries.read',
  'registries.create',
  'registries.update',
  'registries.delete',
  'variables.read',
  'variables.create',
  'variables.update',
  'variables.delete',
  'templates.read',
  'templates.create',
  'templates.update',
  'templates.delete',
  'webhooks.read',
  'webhooks.create',
  'webhooks.update',
  'webhooks.delete',
  'keys.read',
  'keys.create',
  'keys.delete',
  'backups.read',
  'backups.create',
  'backups.restore',
  'backups.delete',
  'backup_repositories.read',
  'backup_repositories.create',
  'backup_repositories.update',
  'backup_repositories.delete',
  'schedules.read',
  'schedules.create',
  'schedules.update',
  'schedules.delete',
  'dns.read',
  'dns.create',
  'dns.update',
  'dns.delete',
  'audit.read',
] as const;

export type ExactPermission = (typeof PERMISSIONS)[number];
type Resource<P> = P extends `${infer R}.${string}` ? R : never;
export type Permission = ExactPermission | `${Resource<ExactPermission>}.*` | '*';

/** Whether a set of granted permissions holds the one that is needed. */
export function holds(granted: readonly Permission[], needed: ExactPermission): boolean {
  const resource = needed.slice(0, needed.indexOf('.'));
  return granted.some((p) => p === '*' || p === needed || p === `${resource}.*`);
}

export const isPermission = (text: string): text is Permission =>
  text === '*' || PERMISSIONS.some((p) => p === text || `${p.slice(0, p.indexOf('.'))}.*` === text);
