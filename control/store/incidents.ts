// Incidents and the hosts they are about. Counts and hosts are those of the hosts that are asked for.
import type { Database } from '../db/database.ts';
import { asJsonList, orderBy, selectPage, type Paged, type PageRequest } from './page.ts';
import type { Visibility } from './records.ts';

export const INCIDENT_KINDS = ['hosts.mass_disconnect', 'host.identity_conflict'] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

export interface IncidentRecord {
  id: string;
  kind: IncidentKind;
  /** Of the machines that share a key; else empty. */
  bootIds: string[];
  addresses: string[];
  startedAt: number;
  endedAt: number | null;
  hostCount: number;
  /** Of those, the ones that are not back. */
  awayCount: number;
}

export interface IncidentHost {
  hostId: string;
  name: string;
  lostAt: number;
  backAt: number | null;
}

type Row = Pick<IncidentRecord, 'id' | 'kind' | 'startedAt' | 'endedAt' | 'hostCount' | 'awayCount'> & {
  bootIds: string;
  addresses: string;
};

export interface IncidentFilter extends PageRequest {
  isOpen?: boolean | undefined;
  kind?: IncidentKind | undefined;
  hostIds: Visibility['hostIds'];
  order?: 'asc' | 'desc' | undefined;
}

const IS_SEEN = '(:hostIds IS NULL OR host_id IN (SELECT value FROM json_each(:hostIds)))';
const COLUMNS = `id, kind, boot_ids AS bootIds, addresses, started_at AS startedAt, ended_at AS endedAt,
  (SELECT count(*) FROM incident_hosts WHERE incident_id = id AND ${IS_SEEN}) AS hostCount,
  (SELECT count(*) FROM incident_hosts WHERE incident_id = id AND back_at IS NULL AND ${IS_SEEN}) AS awayCount`;

export class IncidentStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  insert({ id, kind, bootIds, addresses, startedAt }: Omit<IncidentRecord, 'endedAt' | 'hostCount' | 'awayCount'>) {
    this.#db.run(
      `INSERT INTO incidents (id, kind, boot_ids, addresses, started_at)
       VALUES (:id, :kind, :bootIds, :addresses, :startedAt)`,
      { id, kind, startedAt, bootIds: JSON.stringify(bootIds), addresses: JSON.stringify(addresses) },
    );
  }

  /** A host that was back and is lost again counts as lost. */
  putHost(incidentId: string, hostId: string, lostAt: number): void {
    this.#db.run(
      `INSERT INTO incident_hosts (incident_id, host_id, lost_at) VALUES (:incidentId, :hostId, :lostAt)
       ON CONFLICT (incident_id, host_id) DO UPDATE SET lost_at = excluded.lost_at, back_at = NULL`,
      { incidentId, hostId, lostAt },
    );
  }

  setMachines(id: string, bootIds: readonly string[], addresses: readonly string[]): void {
    this.#db.run('UPDATE incidents SET boot_ids = :bootIds, addresses = :addresses WHERE id = :id', {
      id,
      bootIds: JSON.stringify(bootIds),
      addresses: JSON.stringify(addresses),
    });
  }

  /** False: it was not away. */
  setBack(id: string, hostId: string, at: number): boolean {
    const sql = `UPDATE incident_hosts SET back_at = :at
      WHERE incident_id = :id AND host_id = :hostId AND back_at IS NULL`;
    return this.#db.run(sql, { id, hostId, at }) > 0;
  }

  end(id: string, at: number): void {
    this.#db.run('UPDATE incidents SET ended_at = :at WHERE id = :id', { id, at });
  }

  find(id: string, hostIds: Visibility['hostIds'] = null): IncidentRecord | undefined {
    const params = { id, hostIds: asJsonList(hostIds) ?? null };
    const row = this.#db.get<Row>(`SELECT ${COLUMNS} FROM incidents WHERE id = :id`, params);
    return row && toIncident(row);
  }

  /** Without counts: each host of thousands that go away together asks for it. */
  findKind(id: string): Pick<IncidentRecord, 'id' | 'kind'> | undefined {
    return this.#db.get('SELECT id, kind FROM incidents WHERE id = :id', { id });
  }

  /** The newest of a kind that is open. */
  findOpen(kind: IncidentKind): IncidentRecord | undefined {
    const row = this.#db.get<Row>(
      `SELECT ${COLUMNS} FROM incidents WHERE kind = :kind AND ended_at IS NULL ORDER BY started_at DESC LIMIT 1`,
      { kind, hostIds: null },
    );
    return row && toIncident(row);
  }

  /** That the host is not back from. Without counts: thousands of hosts that come back at once ask for it. */
  findOpenOf(hostId: string, kind: IncidentKind): Pick<IncidentRecord, 'id' | 'startedAt'> | undefined {
    return this.#db.get(
      `SELECT id, started_at AS startedAt FROM incidents WHERE ended_at IS NULL AND kind = :kind
         AND id IN (SELECT incident_id FROM incident_hosts WHERE host_id = :hostId AND back_at IS NULL)`,
      { hostId, kind },
    );
  }

  isAnyAway(id: string): boolean {
    const sql = 'SELECT 1 FROM incident_hosts WHERE incident_id = :id AND back_at IS NULL LIMIT 1';
    return this.#db.get(sql, { id }) !== undefined;
  }

  /** Hosts with an open incident of the kind. */
  hostsWithOpen(kind: IncidentKind): { hostId: string; incidentId: string; bootIds: string[] }[] {
    return this.#db
      .all<{ hostId: string; incidentId: string; bootIds: string }>(
        `SELECT host_id AS hostId, id AS incidentId, boot_ids AS bootIds
         FROM incidents JOIN incident_hosts ON incident_id = id WHERE kind = :kind AND ended_at IS NULL`,
        { kind },
      )
      .map((row) => ({ ...row, bootIds: JSON.parse(row.bootIds) as string[] }));
  }

  latestLoss(id: string): number {
    const sql = 'SELECT max(lost_at) AS at FROM incident_hosts WHERE incident_id = :id';
    return this.#db.get<{ at: number | null }>(sql, { id })?.at ?? 0;
  }

  /** By name. */
  hosts(id: string, hostIds: Visibility['hostIds'], limit: number): IncidentHost[] {
    return this.#db.all<IncidentHost>(
      `SELECT host_id AS hostId, hosts.name, lost_at AS lostAt, back_at AS backAt
       FROM incident_hosts JOIN hosts ON hosts.id = host_id
       WHERE incident_id = :id AND ${IS_SEEN} ORDER BY hosts.name, host_id LIMIT :limit`,
      { id, limit, hostIds: asJsonList(hostIds) ?? null },
    );
  }

  list({ isOpen, kind, hostIds, order = 'desc', ...request }: IncidentFilter): Paged<IncidentRecord> {
    const seen = { hostIds: asJsonList(hostIds) ?? null };
    const { items, total } = selectPage<Row>(
      this.#db,
      {
        table: 'incidents',
        columns: COLUMNS,
        conditions: [
          [`id IN (SELECT incident_id FROM incident_hosts WHERE ${IS_SEEN})`, seen],
          ['(ended_at IS NULL) = :isOpen', { isOpen: isOpen === undefined ? undefined : Number(isOpen) }],
          ['kind = :kind', { kind }],
        ],
        orderBy: orderBy('started_at', order),
      },
      request,
    );
    return { items: items.map(toIncident), total };
  }

  sweep(before: number, limit: number): number {
    const sql = 'DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE ended_at < :before LIMIT :limit)';
    return this.#db.run(sql, { before, limit });
  }
}

const toIncident = ({ bootIds, addresses, ...row }: Row): IncidentRecord => ({
  ...row,
  bootIds: JSON.parse(bootIds) as string[],
  addresses: JSON.parse(addresses) as string[],
});
