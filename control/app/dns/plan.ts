// Which names have to change in DNS: what services are to have against what was written before. Pure.
import type { DnsNameRecord, ZoneRecord } from '../../store/dns.ts';
import type { RoutedName } from '../../store/domains.ts';

export interface WantedName extends RoutedName {
  /** Where its host is reached; none: nobody knows. */
  addresses: readonly string[];
}

export interface DnsFacts {
  zones: readonly Pick<ZoneRecord, 'id' | 'name'>[];
  wanted: readonly WantedName[];
  had: readonly DnsNameRecord[];
  now: number;
}

/** The rows to write, in the order of their names. A name below no zone of ours is its owner's business. */
export function planNames({ zones, wanted, had, now }: DnsFacts): DnsNameRecord[] {
  const known = new Map(had.map((name) => [name.hostname, name]));
  const changes: DnsNameRecord[] = [];
  const isWanted = new Set<string>();
  for (const name of wanted) {
    const zone = findZone(zones, name.hostname);
    if (!zone) continue;
    isWanted.add(name.hostname);
    const row = known.get(name.hostname);
    if (!row || differs(row, name)) changes.push(toPending(name, row?.zoneId ?? zone.id, now));
  }
  const gone = had.filter(({ hostname, state }) => state !== 'removing' && !isWanted.has(hostname));
  for (const row of gone)
    changes.push({ ...row, state: 'removing', tries: 0, dueAt: now, error: null, updatedAt: now });
  return changes.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1));
}

/** The one with the longest name: `eu.example.com` before `example.com`. */
export function findZone<Z extends { name: string }>(zones: readonly Z[], hostname: string): Z | undefined {
  const fitting = zones.filter(({ name }) => hostname === name || hostname.endsWith(`.${name}`));
  return fitting.toSorted((a, b) => b.name.length - a.name.length)[0];
}

const differs = (row: DnsNameRecord, name: WantedName): boolean =>
  row.state === 'removing' ||
  row.serviceId !== name.serviceId ||
  row.hostId !== name.hostId ||
  row.addresses.toSorted().join() !== name.addresses.toSorted().join();

const toPending = ({ addresses, ...name }: WantedName, zoneId: string, now: number): DnsNameRecord => ({
  ...name,
  zoneId,
  addresses: [...addresses],
  state: 'pending',
  tries: 0,
  dueAt: now,
  error: null,
  updatedAt: now,
});
