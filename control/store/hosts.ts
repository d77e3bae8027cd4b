// Hosts and the numbers of their two sequences.
import type { HostFacts } from '#shared/model.ts';
import type { Database } from '../db/database.ts';
import {
  asJsonList,
  likeAnywhere,
  parseJson,
  orderBy,
  selectBy,
  selectPage,
  toJson,
  type Paged,
  type PageRequest,
} from './page.ts';
import { RecordCache } from './record-cache.ts';
import type { HostRecord, Visibility } from './records.ts';

interface HostRow {
  id: string;
  name: string;
  agent_key: string;
  labels: string;
  facts: string | null;
  remote_address: string | null;
  boot_id: string | null;
  epoch: number;
  command_seq: number;
  acked_seq: number;
  event_seq: number;
  is_to_relist: number;
  forgotten_up_to: number;
  created_at: number;
  last_seen_at: number | null;
  revoked_at: number | null;
  facts_at: number | null;
  cordoned_at: number | null;
  drained_at: number | null;
  removed_at: number | null;
}

/** Where a host's sequences stand. */
export type HostPosition = Pick<HostRecord, 'epoch' | 'commandSeq' | 'ackedSeq' | 'eventSeq'>;

export interface HostFilter extends PageRequest {
  search?: string | undefined;
  hostIds: Visibility['hostIds'];
  /** Names of columns. */
  sort?: 'name' | 'created_at' | undefined;
  order?: 'asc' | 'desc' | undefined;
}

export interface HostPlace
  extends Pick<HostRecord, 'id' | 'name' | 'labels' | 'revokedAt' | 'cordonedAt' | 'drainedAt'> {
  /** Whether the timeline says that it is connected: a link that breaks for a moment changes nothing. */
  isToldOnline: boolean;
}

/** What lists of other things want to know of their hosts. */
export type HostCard = Pick<HostRecord, 'labels' | 'facts'>;

/** About 1 KB each. */
const MAX_KEPT_CARDS = 20_000;

export class HostStore {
  readonly #db: Database;
  readonly #cards: RecordCache<HostCard>;

  constructor(db: Database) {
    this.#db = db;
    this.#cards = new RecordCache(db, MAX_KEPT_CARDS);
  }

  insert(host: Pick<HostRecord, 'id' | 'name' | 'agentKey' | 'labels' | 'createdAt'>): void {
    this.#db.run(
      `INSERT INTO hosts (id, name, agent_key, labels, created_at) VALUES (:id, :name, :agentKey, :labels, :createdAt)`,
      { ...host, labels: JSON.stringify(host.labels) },
    );
  }

  find(id: string): HostRecord | undefined {
    return fromRow(this.#db.get<HostRow>('SELECT * FROM hosts WHERE id = :id', { id }));
  }

  findCard(id: string): HostCard | undefined {
    return this.#cards.find(id, () => {
      const host = this.find(id);
      return host && { labels: host.labels, facts: host.facts };
    });
  }

  findByKey(agentKey: string): HostRecord | undefined {
    return fromRow(this.#db.get<HostRow>('SELECT * FROM hosts WHERE agent_key = :agentKey', { agentKey }));
  }

  /** Every host that is not revoked, oldest first. */
  all(): HostRecord[] {
    const rows = this.#db.all<HostRow>('SELECT * FROM hosts WHERE revoked_at IS NULL ORDER BY created_at, id');
    return rows.map(toHost);
  }

  /** Where members of sets are, or could be, by name; of all hosts unless some are named. */
  places(ids?: readonly string[]): HostPlace[] {
    const { where, params } = selectBy([
      ['id IN (SELECT value FROM json_each(:ids))', { ids: asJsonList(ids ?? null) }],
    ]);
    return this.#db
      .all<Omit<HostPlace, 'labels' | 'isToldOnline'> & { labels: string; isOnline: number }>(
        `SELECT id, name, labels, revoked_at AS revokedAt, cordoned_at AS cordonedAt, drained_at AS drainedAt,
           is_online AS isOnline FROM hosts ${where} ORDER BY name, id`,
        params,
      )
      .map(({ labels, isOnline, ...place }) => ({
        ...place,
        labels: JSON.parse(labels) as Record<string, string>,
        isToldOnline: isOnline === 1,
      }));
  }

  /** Of every host, also a revoked one: its services are still somebody's. */
  labels(): Pick<HostRecord, 'id' | 'labels'>[] {
    const rows = this.#db.all<Pick<HostRow, 'id' | 'labels'>>('SELECT id, labels FROM hosts');
    return rows.map(({ id, labels }) => ({ id, labels: JSON.parse(labels) as Record<string, string> }));
  }

  list(query: HostFilter): Paged<HostRecord> {
    const { items, total } = selectPage<HostRow>(
      this.#db,
      {
        table: 'hosts',
        conditions: [
          ['removed_at IS NULL', {}],
          [`name LIKE :search ESCAPE '\\'`, { search: likeAnywhere(query.search) }],
          ['id IN (SELECT value FROM json_each(:hostIds))', { hostIds: asJsonList(query.hostIds) }],
        ],
        orderBy: orderBy(query.sort ?? 'name', query.order ?? 'asc'),
      },
      query,
    );
    return { items: items.map(toHost), total };
  }

  setPosition(id: string, { epoch, commandSeq, ackedSeq, eventSeq }: HostPosition): void {
    this.#db.run(
      `UPDATE hosts SET epoch = :epoch, command_seq = :commandSeq, acked_seq = :ackedSeq, event_seq = :eventSeq
       WHERE id = :id`,
      { id, epoch, commandSeq, ackedSeq, eventSeq },
    );
  }

  setConnected(id: string, seen: { facts: HostFacts; bootId: string; remoteAddress: string; at: number }): void {
    this.#db.run(
      `UPDATE hosts SET facts = :facts, facts_at = :at, boot_id = :bootId, remote_address = :remoteAddress,
         last_seen_at = :at WHERE id = :id`,
      { id, ...seen, facts: toJson(seen.facts) },
    );
    this.#cards.forget(id);
  }

  setFacts(id: string, facts: HostFacts, at: number): void {
    this.#db.run('UPDATE hosts SET facts = :facts, facts_at = :at WHERE id = :id', {
      id,
      at,
      facts: JSON.stringify(facts),
    });
    this.#cards.forget(id);
  }

  setSeen(id: string, at: number): void {
    this.#db.run('UPDATE hosts SET last_seen_at = :at WHERE id = :id', { id, at });
  }

  /** Notes what the timeline says of its presence. False when it says so already. */
  setOnline(id: string, isOnline: boolean): boolean {
    const sql = 'UPDATE hosts SET is_online = :isOnline WHERE id = :id AND is_online <> :isOnline';
    return this.#db.run(sql, { id, isOnline: Number(isOnline) }) > 0;
  }

  /** Those of which the timeline says that they are connected. */
  toldOnline(): Pick<HostRecord, 'id' | 'name' | 'lastSeenAt'>[] {
    return this.#db.all('SELECT id, name, last_seen_at AS lastSeenAt FROM hosts WHERE is_online = 1');
  }

  setEventSeq(id: string, eventSeq: number): void {
    this.#db.run('UPDATE hosts SET event_seq = :eventSeq WHERE id = :id', { id, eventSeq });
  }

  setToRelist(id: string, isToRelist: boolean): void {
    this.#db.run('UPDATE hosts SET is_to_relist = :is WHERE id = :id', { id, is: Number(isToRelist) });
  }

  setForgottenUpTo(id: string, eventSeq: number): void {
    this.#db.run('UPDATE hosts SET forgotten_up_to = :eventSeq WHERE id = :id', { id, eventSeq });
  }

  /** Lets a revoked or removed host back in. */
  readmit(id: string, name: string, labels: Record<string, string>): void {
    this.#db.run(
      'UPDATE hosts SET revoked_at = NULL, removed_at = NULL, name = :name, labels = :labels WHERE id = :id',
      { id, name, labels: JSON.stringify(labels) },
    );
    this.#cards.forget(id);
  }

  /** By a host that was not shut out. */
  isNameTaken(name: string): boolean {
    return this.#db.get('SELECT 1 FROM hosts WHERE name = :name AND revoked_at IS NULL', { name }) !== undefined;
  }

  setNaming(id: string, { name, labels }: Pick<HostRecord, 'name' | 'labels'>): void {
    const params = { id, name, labels: JSON.stringify(labels) };
    this.#db.run('UPDATE hosts SET name = :name, labels = :labels WHERE id = :id', params);
    this.#cards.forget(id);
  }

  setCordon(id: string, { cordonedAt, drainedAt }: Pick<HostRecord, 'cordonedAt' | 'drainedAt'>): void {
    const sql = 'UPDATE hosts SET cordoned_at = :cordonedAt, drained_at = :drainedAt WHERE id = :id';
    this.#db.run(sql, { id, cordonedAt, drainedAt });
  }

  /** Of a revoked one. Nothing is cordoned or drained any more should it come back. */
  setRemoved(id: string, at: number): void {
    const sql = 'UPDATE hosts SET removed_at = :at, cordoned_at = NULL, drained_at = NULL WHERE id = :id';
    this.#db.run(sql, { id, at });
    this.#cards.forget(id);
  }

  revoke(id: string, at: number): boolean {
    return this.#db.run('UPDATE hosts SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL', { id, at }) > 0;
  }
}

function toHost(row: HostRow): HostRecord {
  return {
    id: row.id,
    name: row.name,
    agentKey: row.agent_key,
    labels: JSON.parse(row.labels) as Record<string, string>,
    facts: parseJson<HostFacts>(row.facts),
    remoteAddress: row.remote_address,
    bootId: row.boot_id,
    epoch: row.epoch,
    commandSeq: row.command_seq,
    ackedSeq: row.acked_seq,
    eventSeq: row.event_seq,
    isToRelist: row.is_to_relist === 1,
    forgottenUpTo: row.forgotten_up_to,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    revokedAt: row.revoked_at,
    factsAt: row.facts_at,
    cordonedAt: row.cordoned_at,
    drainedAt: row.drained_at,
    removedAt: row.removed_at,
  };
}

const fromRow = (row: HostRow | undefined): HostRecord | undefined => row && toHost(row);
