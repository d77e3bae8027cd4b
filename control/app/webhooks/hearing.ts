// What a webhook may be asked to tell: no more than its maker may read, so that a webhook is no way around the API. Pure.
import type { Caller } from '../api/caller.ts';
import { holds, type ExactPermission } from '../access/permissions.ts';
import { EVENT_TYPES, type EventType } from './event-types.ts';
import { matchesAny } from './patterns.ts';

type Subject<T> = T extends `${infer S}.${string}` ? S : never;

/** By what stands before the dot of a type; null: nobody subscribes to it. */
const NEEDED: Record<Subject<EventType>, ExactPermission | null> = {
  service: 'services.read',
  deploy: 'services.read',
  heal: 'services.read',
  health: 'services.read',
  host: 'hosts.read',
  backup: 'backups.read',
  schedule: 'schedules.read',
  rollout: 'services.read',
  incident: 'hosts.read',
  dns: 'services.read',
  webhook: null,
};

/** A permission that is needed for these patterns and not held; undefined when there is none. */
export function findLacking(caller: Pick<Caller, 'permissions' | 'customerId'>, patterns: readonly string[]) {
  const needed = EVENT_TYPES.filter((type) => matchesAny(patterns, type)).map((type) => neededFor(type, caller));
  return needed.find((permission) => permission !== null && !holds(caller.permissions, permission)) ?? undefined;
}

/** A customer's webhook hears of no hosts, whatever it asks for. */
function neededFor(type: EventType, { customerId }: Pick<Caller, 'customerId'>): ExactPermission | null {
  const needed = NEEDED[type.slice(0, type.indexOf('.')) as Subject<EventType>];
  return needed === 'hosts.read' && customerId !== null ? null : needed;
}
