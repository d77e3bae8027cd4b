// Carries moves on. No arguments, the same work each time, safe to run twice. The ends of jobs nudge it, a timer finds what
// a nudge could have missed. All it knows by itself is whether it is at work.
import { toLongshoreError, type ErrorCode } from '#shared/errors.ts';
import { isJobEnd, type JobState } from '#shared/jobs.ts';
import type { Logger } from '#shared/log.ts';
import type { Stores } from '../../store/stores.ts';
import type { Bus, LiveEvent } from '../api/live.ts';
import type { Moves } from './moves.ts';

/** Ours: the step is taken again later. */
const OURS: readonly ErrorCode[] = ['storage_full', 'unavailable', 'internal'];

export interface MoveRunnerDeps {
  stores: Stores;
  moves: Moves;
  log: Logger;
}

export class MoveRunner {
  readonly #deps: MoveRunnerDeps;
  #work: Promise<void> | undefined;
  #isNudged = false;
  #isClosed = false;

  constructor(deps: MoveRunnerDeps) {
    this.#deps = deps;
  }

  watch(bus: Bus): () => void {
    return bus.subscribe((event) => {
      if (isJobNews(event)) void this.sweep();
    });
  }

  /** Resolves when nothing is left to do now. Never throws. */
  async sweep(): Promise<void> {
    this.#isNudged = true;
    this.#work ??= this.#advanceAll().finally(() => (this.#work = undefined));
    await this.#work;
  }

  /** Nothing more is begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  async #advanceAll(): Promise<void> {
    const { stores, log } = this.#deps;
    while (this.#isNudged && !this.#isClosed) {
      this.#isNudged = false;
      try {
        for (const { id } of stores.moves.open()) await this.#advance(id);
      } catch (error) {
        log.warn({ err: toLongshoreError(error) }, 'could not go on with a move');
      }
    }
  }

  async #advance(id: string): Promise<void> {
    const { stores, moves } = this.#deps;
    if (this.#isClosed) return;
    try {
      await stores.writer.write((tx) => moves.step(tx, id));
    } catch (cause) {
      const error = toLongshoreError(cause);
      if (OURS.includes(error.code)) throw error;
      await stores.writer.write((tx) => {
        moves.fail(tx, id, error.toWire());
        moves.step(tx, id);
      });
    }
  }
}

function isJobNews(event: LiveEvent): boolean {
  if (event.type === 'deploy.progress') return event.step === 'job';
  return event.type === 'backup.progress' && isJobEnd(event.state satisfies JobState);
}
