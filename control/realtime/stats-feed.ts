// What a service uses, for as long as somebody watches: its host is asked every ten seconds, as often as it measures.
// While nobody does, only what changed by enough travels (docs/stats.md).
import { LongshoreError } from '#shared/errors.ts';
import { sleep, toRfc3339, type Clock } from '#shared/time.ts';
import type { App } from '../app/api/app.ts';
import type { Caller } from '../app/api/caller.ts';
import type { ServiceStats } from '../app/api/stats.ts';
import { toContainersNow } from '../http/views/stats.ts';

export const LOOK_EVERY_MS = 10_000;
/** The answer has a history too, of as few points as there are. */
const ONE_STEP_MS = 24 * 3600_000;

export interface StatsFeedDeps {
  app: Pick<App, 'stats'>;
  clock: Clock;
}

export interface StatsWatch {
  caller: Caller;
  serviceId: string;
  tell: (message: object) => void;
  /** Called once, when there is nothing more to watch: the service is gone. */
  failed: (error: unknown) => void;
}

export class StatsFeed {
  readonly #deps: StatsFeedDeps;
  readonly #watch: StatsWatch;
  readonly #over = new AbortController();
  #told = '';

  constructor(deps: StatsFeedDeps, watch: StatsWatch) {
    this.#deps = deps;
    this.#watch = watch;
    this.#run().catch((error: unknown) => {
      if (!this.#over.signal.aborted) watch.failed(error);
    });
  }

  close(): void {
    this.#over.abort();
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#look();
      await sleep(this.#deps.clock, LOOK_EVERY_MS, this.#over.signal);
    }
  }

  /** A host that is away has nothing to tell until it is back. */
  async #look(): Promise<void> {
    const { app, clock } = this.#deps;
    const { caller, serviceId, tell } = this.#watch;
    try {
      const stats = await app.stats.service(caller, serviceId, { stepMs: ONE_STEP_MS });
      this.#over.signal.throwIfAborted();
      if (!this.#isNew(stats)) return;
      const timestamp = toRfc3339(clock.now());
      tell({ type: 'service.stats', service_id: serviceId, containers: toContainersNow(stats), timestamp });
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  /** The same measurement is told once. */
  #isNew({ containers }: ServiceStats): boolean {
    const now = JSON.stringify(containers.map(({ name, at }) => [name, at]));
    if (now === this.#told) return false;
    this.#told = now;
    return true;
  }
}

const isPassing = (error: unknown): boolean => error instanceof LongshoreError && error.retryable;
