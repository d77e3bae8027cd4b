// The word that a program waits for: control lets it start once it has on record what is about to run.
import { LongshoreError } from '#shared/errors.ts';

export class Permit {
  readonly #given = Promise.withResolvers<void>();
  readonly #start = Promise.withResolvers<void>();

  constructor() {
    for (const { promise } of [this.#given, this.#start]) promise.catch(() => {}); // there may be nobody who waits
  }

  /** Resolves when the program runs; rejects with what kept it from that. */
  give(): Promise<void> {
    this.#given.resolve();
    return this.#start.promise;
  }

  /** Nobody wants it any more. Does nothing once the permit is given. */
  withdraw(): void {
    this.#given.reject(new LongshoreError('cancelled'));
  }

  async use<T>(start: () => Promise<T>): Promise<T> {
    try {
      await this.#given.promise;
      const started = await start();
      this.#start.resolve();
      return started;
    } catch (error) {
      this.#start.reject(error);
      throw error;
    }
  }
}
