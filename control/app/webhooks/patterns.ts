// Which events an endpoint wants: an exact type, `deploy.*`, or `*`. Pure.
import { EVENT_TYPES, type EventType } from './event-types.ts';

/** Whether a text can ever match one of the types. */
export const isPattern = (text: string): boolean => EVENT_TYPES.some((type) => matches(text, type));

export const matchesAny = (patterns: readonly string[], type: EventType): boolean =>
  patterns.some((pattern) => matches(pattern, type));

function matches(pattern: string, type: EventType): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}
