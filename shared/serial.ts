// One at a time, in writing. Work is queued by key (a service id); the promises below hold at every await.
//
//  1. At most one task of a key runs; tasks of different keys do not wait for each other.
//  2. Tasks of a key start in the order they were added.
//  3. `run` settles exactly once: with the task's outcome, or with the signal's reason when it was aborted before it
//     started. A task that has started is only told (its signal aborts) and stays in its place until it returns.
//  4. A task that fails does not stop the ones behind it.
//  5. `idle` resolves when nothing is queued or running; work added later starts a new wait.

type Task = { start: () => Promise<void> };

export class Serial {
  readonly #queues = new Map<string, Task[]>();
  #waiting: (() => void)[] = [];

  /** Runs `work` after everything of `key` that was added before it. */
  run<T>(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const queue = this.#queues.get(key) ?? [];
      const task: Task = {
        start: async () => {
          signal.removeEventListener('abort', leave);
          await work(signal).then(resolve, reject);
        },
      };
      const leave = () => {
        queue.splice(queue.indexOf(task), 1);
        reject(signal.reason as Error);
      };
      queue.push(task);
      if (queue.length > 1) return signal.addEventListener('abort', leave, { once: true });
      this.#queues.set(key, queue);
      void this.#drain(key, queue);
    });
  }

  /** How many tasks of a key are queued or running. */
  depth(key: string): number {
    return this.#queues.get(key)?.length ?? 0;
  }

  get isIdle(): boolean {
    return this.#queues.size === 0;
  }

  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The head of the queue is the task that runs; it leaves only when it is done. */
  async #drain(key: string, queue: Task[]): Promise<void> {
    for (let head = queue[0]; head; head = queue[0]) {
      await head.start();
      queue.shift();
    }
    this.#queues.delete(key);
    if (!this.isIdle) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
