// Events up: what control has not committed yet, and for a while what it has.
//
//  1. Every number from 1 to `last` is stood for by at most one row, and the rows kept are contiguous up to `last`. A
//     row stands for its own number, a gap row for first..seq (shared/protocol/sequence.ts). So control always sees
//     next = last + 1.
//  2. What a number stands for changes in two ways only: it becomes (part of) a gap, or a run of a schedule loses its
//     output and says so.
//  3. The result of a job that control knows of never becomes a gap, nor that of a backup, nor what somebody did on the
//     host. Neither does the latest of a state (a service's report, the host's facts); an older one does at once, with
//     nothing counted, because nothing is lost.
//  4. Past the limit what control has goes first, then telemetry, the oldest first: steps, outputs of runs; then records,
//     the newest first, so that how it began is kept, and what control waits for since: runs of schedules and their
//     jobs as a whole, then events of services. An event that control has not got becomes a counted gap; the count may
//     hold events whose acknowledgement was lost, never fewer. What control has is kept a day, for one from a backup.
//  5. An acknowledgement need not be durable: control's welcome says again where it stands.
//
// Callers append in the transaction of the change the event tells of (AgentState.transact).
import { MAX_BATCH_BYTES } from '#shared/protocol/limits.ts';
import type { AgentEvent, AgentEventBody } from '#shared/protocol/schema.ts';
import type { Sqlite } from '#shared/sqlite.ts';
import type { Clock } from '#shared/time.ts';
import { OutboxRoom } from './outbox-room.ts';
import {
  bytesOf,
  countsOf,
  runsOf,
  stateKeyOf,
  THINNED,
  withoutOutput,
  type Dropped,
  type GapRun,
  type Row,
} from './outbox-row.ts';

export const OUTBOX_LIMIT_BYTES = 64 * 1024 * 1024;
export const OUTBOX_KEEP_MS = 24 * 3600 * 1000;
/** Past the limit this share of it is freed at once: not for every event, and nobody waits for long. */
const FREED_SHARE = 1 / 32;
/** Of the limit, when the disk is full: 1 MiB. */
const SHORT_SHARE = 1 / 64;

type Head = { last: number; acked: number; bytes: number };

/** An event as it is kept here. */
export interface KeptEvent extends AgentEvent {
  /** When it was put here, in milliseconds since the epoch. */
  at: number;
  /** Control is known to have it. */
  isTold: boolean;
}

export class Outbox {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #limitBytes: number;
  readonly #insert;
  readonly #delete;
  readonly #from;
  readonly #near;
  readonly #select;
  readonly #room: OutboxRoom;
  /** Up to here nothing more can be dropped: what is left is kept whatever it takes, and is not gone through again. */
  #futileBytes = 0;
  /** The disk is full: much less is kept of what may be lost. */
  isShortOfRoom = false;
  /** Ahead of the row's value until the next write takes it along. */
  #acked: number;

  constructor(db: Sqlite, clock: Clock, limitBytes: number = OUTBOX_LIMIT_BYTES) {
    this.#db = db;
    this.#clock = clock;
    this.#limitBytes = limitBytes;
    this.#insert = db.prepare('INSERT INTO outbox VALUES (@seq, @first, @kind, @stateKey, @body, @bytes, @at)');
    this.#delete = db.prepare<[number, number]>('DELETE FROM outbox WHERE seq BETWEEN ? AND ?');
    this.#from = db.prepare<[number], Row>('SELECT * FROM outbox WHERE seq >= ? ORDER BY seq');
    this.#near = db.prepare<[number, number, number], Row>(`SELECT * FROM outbox WHERE seq BETWEEN ? AND ?
      UNION ALL SELECT * FROM (SELECT * FROM outbox WHERE seq > ? ORDER BY seq LIMIT 1)`);
    this.#select = db.prepare<[], Head>('SELECT * FROM outbox_head');
    this.#room = new OutboxRoom(db);
    this.#acked = this.#head().acked;
  }

  append(event: Exclude<AgentEventBody, { kind: 'gap' }>): void {
    const stateKey = stateKeyOf(event);
    if (stateKey !== null) this.#supersede(stateKey);
    const take = 'UPDATE outbox_head SET last = last + 1, acked = ? RETURNING last';
    const seq = this.#db.prepare<[number], number>(take).pluck().get(this.#acked) as number;
    const body = JSON.stringify(event);
    const row = { seq, first: seq, kind: event.kind, stateKey, body, bytes: bytesOf(body), at: this.#clock.now() };
    this.#insert.run(row);
    this.#enforceLimit();
  }

  /** Highest number ever given. */
  get last(): number {
    return this.#head().last;
  }

  /** Numbers that can still be sent; `first > last` when none is kept. */
  range(): { first: number; last: number } {
    return { first: this.#oldest() ?? this.last + 1, last: this.last };
  }

  /** The next events after `seq`, at least one when there is one, up to the size of a batch. */
  read(seq: number, limitBytes: number = MAX_BATCH_BYTES): AgentEvent[] {
    const events: AgentEvent[] = [];
    let bytes = 0;
    for (const row of this.#from.iterate(seq + 1)) {
      bytes += row.bytes;
      if (events.length > 0 && bytes > limitBytes) break;
      events.push(toEvent(row, seq));
    }
    return events;
  }

  /** The last so many that somebody may want to read, the oldest of them first. */
  latest(limit: number): KeptEvent[] {
    const sql = `SELECT * FROM outbox WHERE kind NOT IN ('job.step', 'host.facts') AND NOT (kind = 'gap' AND body = '{}')
      ORDER BY seq DESC LIMIT ?`;
    const rows = this.#db.prepare<[number], Row>(sql).all(limit);
    return rows
      .toReversed()
      .map((row) => ({ ...toEvent(row, row.first - 1), at: row.at, isTold: row.seq <= this.#acked }));
  }

  /** What control is not known to have. */
  waiting(): { events: number; bytes: number } {
    const sql = 'SELECT count(*) AS events, coalesce(sum(bytes), 0) AS bytes FROM outbox WHERE seq > ?';
    return (
      this.#db.prepare<[number], { events: number; bytes: number }>(sql).get(this.#acked) ?? { events: 0, bytes: 0 }
    );
  }

  /** Control has committed everything up to `seq`. */
  ack(seq: number): void {
    this.#acked = Math.max(this.#acked, seq);
  }

  /**
   * Control's word at a new link. Behind us: it came back from a backup, and what is no longer kept becomes a gap.
   * Ahead of us: this host did, and what it has not sent moves behind what control knows.
   */
  resume(nextSeq: number): void {
    if (nextSeq > this.last + 1) return this.#moveBehind(nextSeq - 1);
    this.#acked = nextSeq - 1;
    const { first } = this.range();
    if (nextSeq < first) this.#putGap({ from: nextSeq, to: first - 1, counts: { acknowledged: first - nextSeq } });
  }

  /** Forgets what control has had for longer than it can ask for it. Called now and then. */
  prune(): void {
    const sql = 'SELECT seq FROM outbox WHERE seq > ? OR at > ? ORDER BY seq LIMIT 1';
    const cutoff = this.#clock.now() - OUTBOX_KEEP_MS;
    const keptFrom = this.#db.prepare<[number, number], number>(sql).pluck().get(this.#acked, cutoff);
    this.#db.prepare('DELETE FROM outbox WHERE seq < ?').run(keptFrom ?? this.last + 1);
    this.#db.prepare('UPDATE outbox_head SET acked = ?').run(this.#acked);
  }

  #head(): Head {
    return this.#select.get() as Head;
  }

  #oldest(): number | undefined {
    return this.#db.prepare<[], number>('SELECT first FROM outbox ORDER BY seq LIMIT 1').pluck().get();
  }

  #supersede(stateKey: string): void {
    const sql = 'SELECT seq FROM outbox WHERE state_key = ?';
    const seq = this.#db.prepare<[string], number>(sql).pluck().get(stateKey);
    if (seq !== undefined) this.#putGap({ from: seq, to: seq, counts: {} });
  }

  /** Turns the rows of a range into one gap and joins it with the gaps beside it. */
  #putGap({ from, to, counts }: GapRun): void {
    const rows = this.#near.all(from - 1, to, to);
    const isOpenGap = (row: Row) => row.kind === 'gap' && row.seq > this.#acked; // one that control has is told already
    const joined = rows.filter((row) => isOpenGap(row) || (row.seq >= from && row.seq <= to));
    const first = Math.min(from, joined.at(0)?.first ?? from);
    const seq = Math.max(to, joined.at(-1)?.seq ?? to);
    const body = JSON.stringify(countsOf(counts, joined));
    const at = joined.at(-1)?.at ?? this.#clock.now();
    this.#delete.run(first, seq);
    this.#insert.run({ seq, first, kind: 'gap', stateKey: null, body, bytes: bytesOf(body), at });
  }

  /** After a transaction that came to nothing: what it changed here is not so. */
  rolledBack(): void {
    this.#acked = this.#head().acked;
  }

  /** The disk is full: what may be lost makes room for what may not; records too where the reserve is used up. */
  makeRoom(isReserveUsed: boolean): void {
    this.#dropTelemetry(0);
    if (isReserveUsed) this.#dropRecords(this.#limitBytes * SHORT_SHARE);
  }

  #enforceLimit(): void {
    const telemetryBytes = this.#limitBytes * (this.isShortOfRoom ? SHORT_SHARE : 1);
    if (this.#head().bytes <= Math.max(telemetryBytes, this.#futileBytes)) return;
    this.#dropTelemetry(telemetryBytes * (1 - FREED_SHARE));
    if (this.#head().bytes > this.#limitBytes) this.#dropRecords(this.#limitBytes * (1 - FREED_SHARE));
    this.#futileBytes = this.#head().bytes + telemetryBytes * FREED_SHARE;
  }

  #dropTelemetry(goal: number): void {
    const told = this.#room.told(this.#acked, this.#excess(goal));
    if (told.length > 0) this.#db.prepare('DELETE FROM outbox WHERE seq <= ?').run(told.at(-1)?.seq);
    this.#drop(() => this.#room.steps(this.#excess(goal)));
    repeat(
      () => this.#room.runsWithOutput(this.#excess(goal)),
      (rows) => rows.forEach((row) => this.#thin(row)),
    );
  }

  #dropRecords(goal: number): void {
    this.#drop(() => this.#room.ownDoings(this.#acked, this.#excess(goal)));
    this.#drop(() => this.#room.serviceEvents(this.#excess(goal)));
  }

  #excess(goal: number): number {
    return this.#head().bytes - goal;
  }

  #drop(select: () => readonly Dropped[]): void {
    repeat(select, (rows) => runsOf(rows).forEach((run) => this.#putGap(run)));
  }

  #thin({ seq, first, at, state_key: stateKey, ...row }: Row): void {
    const body = withoutOutput(row.body);
    this.#delete.run(seq, seq);
    this.#insert.run({ seq, first, kind: THINNED, stateKey, body, bytes: bytesOf(body), at });
  }

  #moveBehind(known: number): void {
    this.#db.prepare('DELETE FROM outbox WHERE seq <= ?').run(this.#acked);
    const shift = known + 1 - (this.#oldest() ?? this.last + 1);
    // By way of negative numbers, so that no row meets another on its way.
    this.#db.prepare('UPDATE outbox SET seq = -(seq + ?), first = first + ?').run(shift, shift);
    this.#db.prepare('UPDATE outbox SET seq = -seq').run();
    this.#acked = known;
    this.#db.prepare('UPDATE outbox_head SET last = last + ?, acked = ?').run(shift, known);
  }
}

/** Until nothing is left to do: what stands for dropped rows takes some room as well. */
function repeat<T>(select: () => readonly T[], work: (rows: readonly T[]) => void): void {
  for (let rows = select(); rows.length > 0; rows = select()) work(rows);
}

/** A gap that reaches back to what the reader has is cut to what it has not. */
function toEvent(row: Row, after: number): AgentEvent {
  if (row.kind !== 'gap') return { seq: row.seq, body: JSON.parse(row.body) as AgentEventBody };
  const counts = JSON.parse(row.body) as Record<string, number>;
  return { seq: row.seq, body: { kind: 'gap', from: Math.max(row.first, after + 1), to: row.seq, counts, at: row.at } };
}
