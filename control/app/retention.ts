// What is forgotten, and when. Swept in small writes, so that a large backlog does not hold up others.
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../store/stores.ts';
import { IDEMPOTENCY_KEEP_MS } from './idempotency.ts';
import { LOGIN_LIFE_MS } from './access/login.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Past its end a token still says why it does not work. */
const TOKEN_KEEP_MS = 7 * DAY_MS;
const JOB_KEEP_MS = 30 * DAY_MS;
const EVENT_KEEP_MS = 90 * DAY_MS;
const RUN_KEEP_MS = 90 * DAY_MS;
const WEBHOOK_KEEP_MS = 7 * DAY_MS;
const ROWS_A_WRITE = 500;

export class Retention {
  readonly #stores: Stores;
  readonly #clock: Clock;

  constructor(stores: Stores, clock: Clock) {
    this.#stores = stores;
    this.#clock = clock;
  }

  /** Safe to run at any time and twice. */
  async sweep(): Promise<void> {
    const { writer, idempotency, joinTokens, loginAttempts, jobs, events, incidents, deliveries, schedules } =
      this.#stores;
    const now = this.#clock.now();
    await writer.write(() => {
      idempotency.sweep(now - IDEMPOTENCY_KEEP_MS);
      joinTokens.sweep(now - TOKEN_KEEP_MS);
      loginAttempts.sweep(now - LOGIN_LIFE_MS);
    });
    await this.#repeat(() => jobs.sweep(now - JOB_KEEP_MS, ROWS_A_WRITE));
    await this.#repeat(() => events.sweep(now - EVENT_KEEP_MS, ROWS_A_WRITE));
    await this.#repeat(() => incidents.sweep(now - EVENT_KEEP_MS, ROWS_A_WRITE));
    await this.#repeat(() => schedules.sweepRuns(now - RUN_KEEP_MS, ROWS_A_WRITE));
    await this.#repeat(() => deliveries.sweep(now - WEBHOOK_KEEP_MS, ROWS_A_WRITE));
  }

  async #repeat(sweep: () => number): Promise<void> {
    while ((await this.#stores.writer.write(sweep)) === ROWS_A_WRITE);
  }
}
