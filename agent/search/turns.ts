// Who searches when: so many at a time on a host, and one of each customer, so that nobody's searches keep others from
// theirs. The rest waits in the order of asking.
import { LongshoreError } from '#shared/errors.ts';

/** Each is a thread that may use a whole core. */
const MAX_SEARCHES = 2;
/** Of one customer. */
const MAX_WAITING = 8;

interface Waiting {
  customer: string;
  begin: () => void;
}

export class SearchTurns {
  readonly #running = new Set<string>();
  readonly #waiting: Waiting[] = [];

  /** Rejects with `unavailable` when too much waits already, and with the signal's reason when that comes first. */
  async run(customer: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await this.#untilTurn(customer, signal);
    try {
      await work();
    } finally {
      this.#running.delete(customer);
      this.#beginNext();
    }
  }

  #untilTurn(customer: string, signal: AbortSignal): Promise<void> {
    if (this.#waiting.filter((one) => one.customer === customer).length >= MAX_WAITING) throw isAtWork();
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      reject(signal.reason as Error);
    };
    const begin = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const waiting = { customer, begin };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(waiting);
    this.#beginNext();
    return promise;
  }

  #beginNext(): void {
    const at = this.#waiting.findIndex(({ customer }) => !this.#running.has(customer));
    if (at < 0 || this.#running.size >= MAX_SEARCHES) return;
    for (const { customer, begin } of this.#waiting.splice(at, 1)) {
      this.#running.add(customer);
      begin();
    }
  }
}

export const isAtWork = () => new LongshoreError('unavailable', { message: 'The host is at work on other searches' });
