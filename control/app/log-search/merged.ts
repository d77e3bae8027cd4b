// What several sources tell, in the order in which it comes. A reader that is slow holds the sources up, not memory.

/** What may wait for the reader. */
const MAX_WAITING = 256;

export class Merged<T> implements AsyncIterable<T> {
  #waiting: T[] = [];
  #isEnded = false;
  #failure: unknown;
  #wakeReader: () => void = () => undefined;
  #wakeSources: (() => void)[] = [];

  /** Resolves when more may come. After the end it is dropped: nobody reads. */
  async put(item: T): Promise<void> {
    if (this.#isEnded) return;
    this.#waiting.push(item);
    this.#wakeReader();
    while (this.#waiting.length >= MAX_WAITING && !this.#isEnded)
      await new Promise<void>((resolve) => this.#wakeSources.push(resolve));
  }

  /** Nothing more comes; what waits is still read, and then `failure` is thrown if there is one. */
  end(failure?: unknown): void {
    this.#isEnded = true;
    this.#failure ??= failure;
    this.#wakeReader();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const taken = this.#waiting;
        this.#waiting = [];
        this.#wake();
        yield* taken;
        if (this.#waiting.length > 0) continue;
        if (this.#isEnded) break;
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.end();
    }
  }

  #wake(): void {
    for (const wake of this.#wakeSources.splice(0)) wake();
  }
}
