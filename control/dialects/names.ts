// Pure: services by name. A name is taken once on each host; where a caller sees several of one name, each is called
// `host/name`, by the host's id where hosts share a name, too.
import { LongshoreError } from '#shared/errors.ts';
import type { Host } from '../app/api/hosts.ts';
import type { Service } from '../app/api/services.ts';

/** A service, and where it runs. */
export interface Placed {
  service: Service;
  host: Host;
}

/** `host` is its name or id; null: whichever host has the service. */
export function fromName(asked: string): { host: string | null; name: string } {
  const slash = asked.lastIndexOf('/');
  return { host: slash === -1 ? null : asked.slice(0, slash), name: asked.slice(slash + 1) };
}

/** The one that is meant. `found`: all the caller sees of its name. Throws `not_found` and `name_ambiguous`. */
export function pickService(asked: string, found: readonly Placed[]): Placed {
  const { host: wanted } = fromName(asked);
  const fitting = found.filter(({ host }) => wanted === null || wanted === host.name || wanted === host.id);
  const [first, ...others] = fitting;
  if (!first) throw new LongshoreError('not_found', { message: `Service '${asked}' not found` });
  if (others.length === 0) return first;
  throw new LongshoreError('name_ambiguous', {
    message: `Service '${asked}' is on ${fitting.length} hosts`,
    details: `Say which: ${namesOf(fitting).toSorted().map(quote).join(' or ')}`,
  });
}

/** What each is called among all of these. */
export function namesOf(placed: readonly Placed[]): string[] {
  const forms = placed.map(({ service: { name }, host }) => [name, `${host.name}/${name}`, `${host.id}/${name}`]);
  const taken = countEach(forms.flat());
  return forms.map((each) => each.find((form) => taken.get(form) === 1) ?? (each.at(-1) as string));
}

function countEach(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

const quote = (name: string): string => `'${name}'`;
