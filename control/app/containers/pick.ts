// Pure: which container is meant.
import { LongshoreError } from '#shared/errors.ts';
import type { FleetContainer, SilentHost } from '../api/containers.ts';

/** `host/name`, or a name or id alone: no container's name has a slash. */
export function readCalled(called: string): { host?: string; called: string } {
  const at = called.lastIndexOf('/');
  return at < 0 ? { called } : { host: called.slice(0, at), called: called.slice(at + 1) };
}

/** `found`: what goes by it. Throws `not_found`, `name_ambiguous`. */
export function pickContainer(
  called: string,
  found: readonly FleetContainer[],
  silent: readonly SilentHost[],
): FleetContainer {
  const [only, ...others] = found;
  if (!only) throw notFound(called, silent);
  if (others.length === 0) return only;
  const names = found.map(({ hostName, name }) => `${hostName}/${name}`).join(', ');
  throw new LongshoreError('name_ambiguous', {
    message: `Several containers go by "${called}"`,
    details: `Say which: ${names}`,
  });
}

function notFound(called: string, silent: readonly SilentHost[]): LongshoreError {
  const hosts = silent.map(({ name }) => name).join(', ');
  const message = `No container "${called}"`;
  return new LongshoreError('not_found', { message, ...(hosts && { details: `Hosts that did not answer: ${hosts}` }) });
}
