// Keeps images from being removed while a job may be about to use them: a deploy finds its images first and makes
// containers of them later, and in between nothing but the deploy knows that they are needed.
//
//  1. While a job is inside, nothing is removed.
//  2. While something is being removed, a job waits outside: milliseconds, once a prune.
//  3. A prune never waits for jobs: it gives up what is left of its work.

export class ImageGate {
  #inside = 0;
  #removal: Promise<unknown> = Promise.resolve();

  async during<T>(job: () => Promise<T>): Promise<T> {
    this.#inside++; // first: from here on no removal begins
    try {
      await this.#removal;
      return await job();
    } finally {
      this.#inside--;
    }
  }

  /** False when a job is inside: then nothing was done. */
  async remove(work: () => Promise<unknown>): Promise<boolean> {
    if (this.#inside > 0) return false;
    const removal = work();
    this.#removal = removal.catch(() => undefined);
    await removal;
    return true;
  }
}
