// Keeps images from being removed while a job may be about to use them: a deploy finds its images first and makes
// containers of them later, and in between nothing but the deploy knows that they are needed.
//
//  1. While a job is inside, nothing is removed.
//  2. While something is being removed, a job waits outside: milliseconds, once a prune.
//  3. A prune never waits for jobs: it gives up what is left of its work.
//  4. What was chosen before a job came is not removed after it: the job may have recorded a revision that needs it.

export class ImageGate {
  #inside = 0;
  #entered = 0;
  /** All of them: several prunes may run at a time. */
  #removals: Promise<unknown> = Promise.resolve();

  async during<T>(job: () => Promise<T>): Promise<T> {
    this.#inside++; // first: from here on no removal begins
    this.#entered++;
    try {
      await this.#removals;
      return await job();
    } finally {
      this.#inside--;
    }
  }

  /** To be called before it is chosen what goes. */
  begin(): Removals {
    const before = this.#inside === 0 ? this.#entered : undefined;
    return { remove: async (work) => before === this.#entered && this.#remove(work) };
  }

  async #remove(work: () => Promise<unknown>): Promise<true> {
    const removal = work();
    this.#removals = Promise.allSettled([this.#removals, removal]);
    await removal;
    return true;
  }
}

export interface Removals {
  /** False when a job is or was inside: then nothing was done. */
  remove(work: () => Promise<unknown>): Promise<boolean>;
}
