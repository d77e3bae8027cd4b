// All writes of the control plane, many to one fsync. The promises below hold for every caller.
//
//  1. Writes that are queued in one turn of the event loop share one BEGIN IMMEDIATE … COMMIT, in the order they came.
//     Patient ones wait some turns for company: no time at all while the loop is idle.
//  2. A write is atomic: one that throws rolls back to its own savepoint and rejects; its neighbours are not touched.
//  3. A promise resolves, and `afterCommit` runs, only when the COMMIT is on disk (synchronous=FULL). What a write told
//     nobody about before that never happened for anybody.
//  4. `afterCommit` runs in the order of the writes and before any of their promises resolves.
//  5. When the transaction itself is lost (disk full, I/O error) every write of it rejects, with `storage_full` or
//     `internal`. The next write starts afresh: no restart is needed once there is space.
//  6. A foreign lock never blocks the loop: the batch is tried again later, and rejects with `unavailable` when the
//     lock outlives BUSY_LIMIT_MS, and with it all that is queued.
//  7. After `close` every queued write has been committed or rejected; later ones reject with `unavailable`.
//
// The function of a write is synchronous: the loop cannot turn inside a transaction, so nobody reads half a write.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { Database } from './database.ts';

/** Bounds how long one commit may hold the event loop: about 10 ms at 30 µs a write. */
const MAX_BATCH = 256;
/** In a storm of hosts a turn brings a few of them, and each commit is an fsync that all wait for. */
const PATIENT_TURNS = 16;
/** A backup tool holds the lock for moments; a client waits this long before it is told to come back. */
const BUSY_LIMIT_MS = 20_000;
const BUSY_FIRST_DELAY_MS = 5;
const BUSY_MAX_DELAY_MS = 250;

export interface WriteContext {
  /** Runs once the write is on disk; never when it failed. It must not throw. */
  afterCommit(run: () => void): void;
}

interface Queued {
  run(): void;
  afterCommit: (() => void)[];
  resolve(): void;
  reject(error: unknown): void;
  error?: unknown;
}

export class Writer {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #queue: Queued[] = [];
  #isScheduled = false;
  /** Of the event loop, before the next transaction. */
  #turnsLeft = 0;
  #isClosed = false;
  #busySince: number | undefined;
  #busyDelayMs = BUSY_FIRST_DELAY_MS;
  #idle: (() => void)[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** As `write`, for what thousands do at the same moment. */
  writePatiently<T>(work: (tx: WriteContext) => T): Promise<T> {
    return this.#enqueue(work, PATIENT_TURNS);
  }

  /** Runs `work` inside the next transaction; resolves with its result once that is on disk. */
  write<T>(work: (tx: WriteContext) => T): Promise<T> {
    return this.#enqueue(work, 0);
  }

  /** Calls after each transaction that is on disk; for who looks at the store rather than being told. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when nothing is queued. */
  idle(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
  }

  #enqueue<T>(work: (tx: WriteContext) => T, turns: number): Promise<T> {
    if (this.#isClosed) return Promise.reject(new LongshoreError('unavailable', { message: 'Shutting down' }));
    return new Promise<T>((resolve, reject) => {
      const afterCommit: (() => void)[] = [];
      let result: T;
      this.#queue.push({
        run: () => {
          afterCommit.length = 0;
          result = work({ afterCommit: (run) => afterCommit.push(run) });
        },
        afterCommit,
        resolve: () => resolve(result),
        reject,
      });
      this.#schedule(turns);
    });
  }

  #schedule(turns: number): void {
    this.#turnsLeft = this.#isScheduled ? Math.min(this.#turnsLeft, turns) : turns;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    if (this.#turnsLeft === 0 || this.#queue.length >= MAX_BATCH) return this.#flush();
    this.#turnsLeft -= 1;
    setImmediate(() => this.#turn());
  }

  #flush(): void {
    this.#isScheduled = false;
    const batch = this.#queue.slice(0, MAX_BATCH);
    if (!this.#begin(batch)) return;
    this.#queue.splice(0, batch.length);
    try {
      for (const write of batch) this.#runOne(write);
      this.#db.run('COMMIT');
    } catch (error) {
      if (this.#db.isInTransaction) this.#db.run('ROLLBACK');
      settle(batch, toStorageError(error));
      return this.#goOn();
    }
    for (const write of batch) if (!('error' in write)) for (const run of write.afterCommit) run();
    settle(batch);
    for (const listener of this.#listeners) listener();
    this.#goOn();
  }

  /** False when another process has the lock: the batch stays queued. */
  #begin(batch: readonly Queued[]): boolean {
    try {
      this.#db.run('BEGIN IMMEDIATE');
    } catch (error) {
      const isBusy = codeOf(error).startsWith('SQLITE_BUSY');
      if (isBusy && this.#waitForLock()) return false;
      // All that wait, wait for the same lock: each batch anew, those behind would wait ever longer.
      const lost = this.#queue.splice(0, isBusy ? Infinity : batch.length);
      settle(lost, toStorageError(error));
      this.#goOn();
      return false;
    }
    this.#busySince = undefined;
    this.#busyDelayMs = BUSY_FIRST_DELAY_MS;
    return true;
  }

  #waitForLock(): boolean {
    const now = this.#clock.elapsed();
    this.#busySince ??= now;
    if (now - this.#busySince >= BUSY_LIMIT_MS) {
      this.#busySince = undefined;
      return false;
    }
    this.#isScheduled = true;
    this.#clock.after(this.#busyDelayMs, () => this.#flush());
    this.#busyDelayMs = Math.min(this.#busyDelayMs * 2, BUSY_MAX_DELAY_MS);
    return true;
  }

  /** Throws only when the whole transaction is lost. */
  #runOne(write: Queued): void {
    this.#db.run('SAVEPOINT one');
    try {
      write.run();
    } catch (error) {
      if (!this.#db.isInTransaction) throw error;
      this.#db.run('ROLLBACK TO one');
      write.error = toStorageError(error);
    }
    this.#db.run('RELEASE one');
  }

  #goOn(): void {
    if (this.#queue.length > 0) return this.#schedule(0);
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** `lost`: why none of them is on disk. */
function settle(batch: readonly Queued[], lost?: unknown): void {
  for (const write of batch) {
    if ('error' in write) write.reject(write.error);
    else if (lost !== undefined) write.reject(lost);
    else write.resolve();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Errors of ours pass; what SQLite says becomes one of ours. */
function toStorageError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'SQLITE_FULL') return new LongshoreError('storage_full', { cause: error });
  if (code.startsWith('SQLITE_BUSY')) {
    return new LongshoreError('unavailable', { message: 'The database is locked by another program', cause: error });
  }
  return error;
}
