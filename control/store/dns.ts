// Zones and the names that Longshore keeps in them. A zone's secret leaves by `secretOf` alone.
import type { WireError } from '#shared/errors.ts';
import type { SecretBox } from '#shared/secrets.ts';
import type { Database } from '../db/database.ts';
import { orderBy, parseJson, selectPage, toJson, type Paged, type PageRequest } from './page.ts';

export interface ZoneRecord {
  id: string;
  /** `apps.example.com`, without a dot at the end. */
  name: string;
  /** How it is reached; control/app/dns knows what lies in it. */
  settings: unknown;
  /** Seconds that others may keep an answer. */
  ttlS: number;
  createdAt: number;
  updatedAt: number;
}

export type DnsNameState = 'pending' | 'present' | 'removing';

export interface DnsNameRecord {
  hostname: string;
  zoneId: string;
  serviceId: string;
  hostId: string;
  /** As it is to have. */
  addresses: string[];
  state: DnsNameState;
  /** That failed in a row. */
  tries: number;
  /** When to try next; null: there is nothing to do. */
  dueAt: number | null;
  /** Of the last try. */
  error: WireError | null;
  updatedAt: number;
}

const ZONE_SORTS = { name: 'name', created_at: 'created_at' } as const;
const NAME_SORTS = { hostname: 'hostname', updated_at: 'updated_at' } as const;

export interface ZoneFilter extends PageRequest {
  sort: keyof typeof ZONE_SORTS;
  order: 'asc' | 'desc';
}

export interface DnsNameFilter extends PageRequest {
  zoneId: string;
  state?: DnsNameState | undefined;
  sort: keyof typeof NAME_SORTS;
  order: 'asc' | 'desc';
}

interface ZoneRow {
  id: string;
  name: string;
  settings: string;
  sealed: Buffer;
  ttl_s: number;
  created_at: number;
  updated_at: number;
}

interface NameRow {
  hostname: string;
  zone_id: string;
  service_id: string;
  host_id: string;
  addresses: string;
  state: DnsNameState;
  tries: number;
  due_at: number | null;
  error: string | null;
  updated_at: number;
}

export class DnsStore {
  readonly #db: Database;
  readonly #box: SecretBox;

  constructor(db: Database, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  insertZone(zone: ZoneRecord, secret: string): void {
    this.#db.run(
      `INSERT INTO dns_zones (id, name, settings, sealed, ttl_s, created_at, updated_at)
       VALUES (:id, :name, :settings, :sealed, :ttlS, :createdAt, :updatedAt)`,
      { ...zone, settings: JSON.stringify(zone.settings), sealed: this.#box.seal(secret, contextOf(zone.id)) },
    );
  }

  /** Without a secret the one that is there stays. */
  updateZone({ id, settings, ttlS, updatedAt }: ZoneRecord, secret?: string): void {
    this.#db.run('UPDATE dns_zones SET settings = :settings, ttl_s = :ttlS, updated_at = :updatedAt WHERE id = :id', {
      id,
      settings: JSON.stringify(settings),
      ttlS,
      updatedAt,
    });
    if (secret === undefined) return;
    const sealed = this.#box.seal(secret, contextOf(id));
    this.#db.run('UPDATE dns_zones SET sealed = :sealed WHERE id = :id', { id, sealed });
  }

  /** What it holds of names is forgotten with it. */
  removeZone(id: string): void {
    this.#db.run('DELETE FROM dns_zones WHERE id = :id', { id });
  }

  findZone(id: string): ZoneRecord | undefined {
    const row = this.#db.get<ZoneRow>('SELECT * FROM dns_zones WHERE id = :id', { id });
    return row && toZone(row);
  }

  findZoneByName(name: string): ZoneRecord | undefined {
    const row = this.#db.get<ZoneRow>('SELECT * FROM dns_zones WHERE name = :name', { name });
    return row && toZone(row);
  }

  zones(): ZoneRecord[] {
    return this.#db.all<ZoneRow>('SELECT * FROM dns_zones ORDER BY name', {}).map(toZone);
  }

  listZones(filter: ZoneFilter): Paged<ZoneRecord> {
    const listing = { table: 'dns_zones', conditions: [], orderBy: orderBy(ZONE_SORTS[filter.sort], filter.order) };
    const { items, total } = selectPage<ZoneRow>(this.#db, listing, filter);
    return { items: items.map(toZone), total };
  }

  secretOf(zoneId: string): string {
    const row = this.#db.get<Pick<ZoneRow, 'sealed'>>('SELECT sealed FROM dns_zones WHERE id = :zoneId', { zoneId });
    return row === undefined ? '' : this.#box.open(row.sealed, contextOf(zoneId));
  }

  putName({ addresses, error, ...name }: DnsNameRecord): void {
    this.#db.run(
      `INSERT INTO dns_names (hostname, zone_id, service_id, host_id, addresses, state, tries, due_at, error, updated_at)
       VALUES (:hostname, :zoneId, :serviceId, :hostId, :addresses, :state, :tries, :dueAt, :error, :updatedAt)
       ON CONFLICT (hostname) DO UPDATE SET service_id = :serviceId, host_id = :hostId, addresses = :addresses,
         state = :state, tries = :tries, due_at = :dueAt, error = :error, updated_at = :updatedAt`,
      { ...name, addresses: JSON.stringify(addresses), error: toJson(error) },
    );
  }

  /** All that are not as they should be, now. */
  retryNames(zoneId: string, now: number): void {
    this.#db.run("UPDATE dns_names SET due_at = :now, tries = 0 WHERE zone_id = :zoneId AND state <> 'present'", {
      zoneId,
      now,
    });
  }

  removeName(hostname: string): void {
    this.#db.run('DELETE FROM dns_names WHERE hostname = :hostname', { hostname });
  }

  findName(hostname: string): DnsNameRecord | undefined {
    const row = this.#db.get<NameRow>('SELECT * FROM dns_names WHERE hostname = :hostname', { hostname });
    return row && toName(row);
  }

  names(): DnsNameRecord[] {
    return this.#db.all<NameRow>('SELECT * FROM dns_names', {}).map(toName);
  }

  due(now: number, limit: number): DnsNameRecord[] {
    const sql = 'SELECT * FROM dns_names WHERE due_at <= :now ORDER BY due_at, hostname LIMIT :limit';
    return this.#db.all<NameRow>(sql, { now, limit }).map(toName);
  }

  listNames({ zoneId, state, sort, order, ...request }: DnsNameFilter): Paged<DnsNameRecord> {
    const direction = order === 'desc' ? 'DESC' : 'ASC';
    const listing = {
      table: 'dns_names',
      conditions: [
        ['zone_id = :zoneId', { zoneId }],
        ['state = :state', { state }],
      ] as const,
      orderBy: `${NAME_SORTS[sort]} ${direction}, hostname ${direction}`,
    };
    const { items, total } = selectPage<NameRow>(this.#db, listing, request);
    return { items: items.map(toName), total };
  }

  countNames(zoneId: string): number {
    const sql = 'SELECT count(*) AS total FROM dns_names WHERE zone_id = :zoneId';
    return this.#db.get<{ total: number }>(sql, { zoneId })?.total ?? 0;
  }
}

const contextOf = (id: string): string => `dns-zone:${id}`;

const toZone = (row: ZoneRow): ZoneRecord => ({
  id: row.id,
  name: row.name,
  settings: JSON.parse(row.settings),
  ttlS: row.ttl_s,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const toName = (row: NameRow): DnsNameRecord => ({
  hostname: row.hostname,
  zoneId: row.zone_id,
  serviceId: row.service_id,
  hostId: row.host_id,
  addresses: JSON.parse(row.addresses) as string[],
  state: row.state,
  tries: row.tries,
  dueAt: row.due_at,
  error: parseJson<WireError>(row.error),
  updatedAt: row.updated_at,
});
