// `longshore hosts get`: everything a host has told of itself, and how old that is. What a list of hosts must not pass
// over is said below it.
import type { Host } from './host-types.ts';
import { formatAge } from './duration.ts';

export const labelsOf = (host: Pick<Host, 'labels'>): string =>
  Object.entries(host.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

export const inGibibytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)}G`;

/** `connected`, `offline drained`: what one wants to know of it at a glance. */
export const stateOf = ({ status, cordoned_at: cordonedAt, drained_at: drainedAt }: Host): string =>
  drainedAt ? `${status} drained` : cordonedAt ? `${status} cordoned` : status;

export function factsOf(host: Host, nowMs: number): Record<string, string | number | null> {
  const ago = (at: string | null): string | null => at && `${formatAge(at, nowMs)} ago`;
  return {
    name: host.name,
    id: host.id,
    status: stateOf(host),
    since: ago(host.status_since),
    'last seen': ago(host.last_seen_at),
    labels: labelsOf(host),
    ...(host.facts && told(host.facts)),
    'facts from': ago(host.facts_sampled_at),
    'created at': host.created_at,
  };
}

const told = (facts: NonNullable<Host['facts']>): Record<string, string | number | null> => ({
  hostname: facts.hostname,
  system: `${facts.os}, kernel ${facts.kernel}, ${facts.arch}`,
  docker: facts.docker_version ?? `does not answer${sinceText(facts.docker_unavailable_since)}`,
  compose: facts.compose_version,
  agent: facts.agent_version,
  cpus: facts.cpus,
  memory: `${inGibibytes(facts.memory_bytes)}, ${inGibibytes(facts.memory_free_bytes)} free`,
  disk: `${inGibibytes(facts.disk_bytes)}, ${inGibibytes(facts.disk_free_bytes)} free`,
  addresses: facts.addresses.join(' '),
});

const sinceText = (at: string | null): string => (at === null ? '' : ` since ${at}`);

/** What to do about hosts that need somebody; nothing for the rest. */
export const adviceFor = (hosts: readonly Host[]): string[] =>
  hosts.filter(({ status }) => status === 'fenced').map(({ name }) => fencedAdvice(name));

const fencedAdvice = (name: string): string =>
  `${name}: two live machines use its key, so neither is given work. On the one that is the copy, stop the agent, ` +
  'move its data directory away and run the line of `longshore hosts join`. `longshore incidents` has the addresses.';
