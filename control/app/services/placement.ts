// Which host a new service goes to. Pure: hosts and wishes in, a host or the reason why not out.
import { LongshoreError } from '#shared/errors.ts';
import { hasLabels } from '../access/access.ts';
import type { NewService } from '../api/services.ts';

export interface Candidate {
  id: string;
  name: string;
  labels: Record<string, string>;
  isConnected: boolean;
  /** Null before the host's first report. */
  memoryFreeBytes: number | null;
  lastSeenAt: number | null;
}

/**
 * The connected host with most free memory among those with the labels; when none is connected the one seen last, where
 * the work waits. Throws `no_host` with the way out.
 */
export function choosePlacement(hosts: readonly Candidate[], labels: Record<string, string>): Candidate {
  if (hosts.length === 0)
    throw noHost('No host takes services now', 'Add one with `longshore hosts join`, or uncordon one.');
  const matching = hosts.filter((host) => hasLabels(host.labels, labels));
  const connected = matching.filter((host) => host.isConnected);
  const chosen = best(connected, (host) => host.memoryFreeBytes) ?? best(matching, (host) => host.lastSeenAt);
  if (chosen) return chosen;
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  throw noHost(
    `No host has the labels ${wanted.join(', ')}`,
    'Add a host with them, or ask for other labels in placement.labels.',
  );
}

/** What does not go together. Throws validation_error. */
export function requireConsistent(
  input: Pick<NewService, 'hostId' | 'placement' | 'review' | 'autoUpdate' | 'source'>,
): void {
  const { hostId, placement, review, autoUpdate, source } = input;
  const isSet = placement?.replicas === 'per_host';
  const isWatching = 'watchPaths' in source && (source.watchPaths ?? []).length > 0;
  const fields = {
    ...(isSet && hostId !== undefined && { host_id: 'goes with replicas "one": "per_host" is for every host' }),
    ...(isSet && review === true && { review: 'goes with replicas "one": members are deployed in turn' }),
    ...(isSet && autoUpdate !== undefined && { auto_update: 'goes with replicas "one": members change in waves' }),
    ...(isSet && isWatching && { git_watch_paths: 'goes with replicas "one": every push redeploys a set' }),
    ...(!isSet &&
      placement?.maxParallel !== undefined && { 'placement.max_parallel': 'goes with replicas "per_host"' }),
  };
  if (Object.keys(fields).length > 0) throw new LongshoreError('validation_error', { fields });
}

/** Nothing new goes to a host that was shut out. */
export function requireOpen(host: { name: string; revokedAt: number | null } | undefined): void {
  if (host?.revokedAt === null) return;
  throw new LongshoreError('no_host', { message: `Host "${host?.name ?? ''}" was revoked` });
}

/** A cordoned host keeps what it has. Throws host_cordoned. */
export function requireTaking(
  host: { name: string; cordonedAt: number | null; drainedAt: number | null } | undefined,
): void {
  if (!host || host.cordonedAt === null) return;
  const verb = host.drainedAt === null ? 'uncordon' : 'undrain';
  throw new LongshoreError('host_cordoned', {
    message: `Host "${host.name}" takes no new services`,
    details: `Choose another host, or \`longshore hosts ${verb} ${host.name}\`.`,
  });
}

/** What would run a service on a drained host. Throws host_drained. */
export function requireUndrained(host: { name: string; drainedAt: number | null } | undefined): void {
  if (!host || host.drainedAt === null) return;
  throw new LongshoreError('host_drained', {
    message: `Host "${host.name}" is drained: nothing is started there`,
    details: `\`longshore hosts undrain ${host.name}\` brings back what ran.`,
  });
}

/** Ties go to the first name, so the same hosts give the same answer. */
function best(hosts: readonly Candidate[], measure: (host: Candidate) => number | null): Candidate | undefined {
  return hosts.toSorted((a, b) => (measure(b) ?? -1) - (measure(a) ?? -1) || (a.name < b.name ? -1 : 1))[0];
}

const noHost = (message: string, details: string): LongshoreError =>
  new LongshoreError('no_host', { message, details });
