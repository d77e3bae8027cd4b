// Pure: which container is meant.
import { LongshoreError } from '#shared/errors.ts';
import type { FleetContainer, SilentHost } from '../api/containers.ts';

/** `host/name`, or a name or id alone: no container's name has a slash. */
export function readCalled(called: string): { host?: string; called: string } {
  const at = called.lastIndexOf('/');
  return at < 0 ? { called } : { host: called.slice(0, at), called: called.slice(at + 1) };
}

/** With what each is called among all of these. */
export function nameAll(containers: readonly FleetContainer[]): FleetContainer[] {
  const byName = Map.groupBy(containers, ({ name }) => name);
  return containers.map((one) => {
    const { name, hostId, hostName } = one;
    const others = (byName.get(name) ?? []).filter((other) => other.hostId !== hostId);
    if (others.length === 0) return one;
    const isHostShared = others.some((other) => other.hostName === hostName);
    return { ...one, calledAs: `${isHostShared ? hostId : hostName}/${name}` };
  });
}

/** `found`: what goes by it, also as the beginning of an id. Throws `not_found`, `name_ambiguous`. */
export function pickContainer(
  called: string,
  found: readonly FleetContainer[],
  silent: readonly SilentHost[],
): FleetContainer {
  const { host, called: name } = readCalled(called);
  const named = found.filter((one) => host !== undefined && one.name === name);
  const fitting = named.length > 0 ? named : found; // after a host comes a name, whatever id begins like it
  const [only, ...others] = fitting;
  if (!only) throw notFound(called, silent);
  if (others.length === 0) return only;
  const names = fitting.map(({ calledAs, hostName, name }) => (calledAs === name ? `${hostName}/${name}` : calledAs));
  throw new LongshoreError('name_ambiguous', {
    message: `Several containers go by "${called}"`,
    details: `Say which: ${names.join(', ')}`,
  });
}

function notFound(called: string, silent: readonly SilentHost[]): LongshoreError {
  const hosts = silent.map(({ name, reason }) => `${name} (${reason})`).join(', ');
  const message = `No container "${called}"`;
  return new LongshoreError('not_found', { message, ...(hosts && { details: `Hosts that did not answer: ${hosts}` }) });
}
