// When Docker comes up anew (the machine was booted, or Docker was restarted), services are put back to what was wanted
// of them, control or not, by jobs of the host's own: those know the order of dependencies. Until that is decided
// nothing is healed, for what fell with Docker has not failed.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { Container, Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { LocalJobs } from '../jobs/local-jobs.ts';
import type { AgentState } from '../state/open.ts';
import { neededAfterStart } from './after-start.ts';
import { isOwn } from './looks.ts';
import { afterEngineStart } from './record.ts';

/** Docker answers some questions before others while it comes up. */
const RETRY_MS = 1_000;
const CAUSE = 'Docker came up anew';

export interface RevivalDeps {
  state: AgentState;
  engine: Pick<Engine, 'instance' | 'listProject'>;
  hub: Pick<EventHub, 'subscribe'>;
  jobs: Pick<LocalJobs, 'accept' | 'enqueue'>;
  /** Compose services of the good revision that had done their work. */
  finishedOf: (project: string, revision: number) => Promise<readonly string[]>;
  /** Called with false while it is open what is to come back, then with true. */
  settle: (isSettled: boolean) => void;
  clock: Clock;
  log: Logger;
}

/** What Docker has of a service. */
interface Seen {
  id: string;
  containers: readonly Container[];
  finished: readonly string[];
}

class Revival {
  readonly #deps: RevivalDeps;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;
  #isStale = false;
  #cancelRetry: (() => void) | undefined;

  constructor(deps: RevivalDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Docker answers, for the first time or again. */
  wake(): void {
    this.#deps.settle(false);
    this.#isStale = true;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async stop(): Promise<void> {
    this.#cancelRetry?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isStale && !this.#signal.aborted) {
      this.#isStale = false;
      try {
        await this.#look();
        if (!this.#signal.aborted && !this.#isStale) this.#deps.settle(true);
      } catch (error) {
        this.#deps.log.debug({ err: toLongshoreError(error) }, 'could not put services back in order');
        this.#cancelRetry?.();
        this.#cancelRetry = this.#deps.clock.after(RETRY_MS, () => this.wake());
      }
    }
  }

  async #look(): Promise<void> {
    const { state, engine, jobs } = this.#deps;
    const instance = await engine.instance();
    const known = state.meta.get('engineInstance');
    if (known === instance) return;
    const seen = known === undefined ? [] : await this.#lookAtAll();
    if (this.#signal.aborted) return;
    const accepted = state.transact(() => {
      state.meta.set('engineInstance', instance);
      this.#forgetFalls();
      return seen.flatMap((each) => this.#giveOrder(each));
    });
    for (const jobId of accepted) jobs.enqueue(jobId);
  }

  async #lookAtAll(): Promise<Seen[]> {
    const { state, engine, finishedOf } = this.#deps;
    const seen: Seen[] = [];
    for (const id of state.services.ids()) {
      const record = state.services.find(id);
      if (!record) continue;
      const { spec, goodRevision } = record;
      const containers = (await engine.listProject(spec.name)).filter((one) => isOwn(one, id));
      const finished = goodRevision === null ? [] : await finishedOf(spec.name, goodRevision);
      seen.push({ id, containers, finished });
    }
    return seen;
  }

  /** By what is wanted now: somebody may have stopped it since it was looked at. Returns the job's id, if it takes one. */
  #giveOrder({ id, containers, finished }: Seen): string[] {
    const { state, jobs } = this.#deps;
    const record = state.services.find(id);
    if (!record) return [];
    const kind = neededAfterStart({ record, containers, finished, isBusy: state.journal.hasOpen(id) });
    return kind === null ? [] : [jobs.accept({ serviceId: id, kind, cause: CAUSE, keepsHealing: true })];
  }

  #forgetFalls(): void {
    const { services } = this.#deps.state;
    for (const id of services.ids()) {
      const healing = services.find(id)?.healing;
      if (healing) services.setHealing(id, afterEngineStart(healing));
    }
  }
}

export function startRevival(deps: RevivalDeps, scope: Scope): void {
  const revival = new Revival(deps, scope.signal);
  const unsubscribe = deps.hub.subscribe('*', (signal) => {
    if (signal.kind === 'resync') revival.wake();
  });
  scope.onStop('revival', () => {
    unsubscribe();
    return revival.stop();
  });
  revival.wake(); // the stream may be up already, and its resync gone by
}
