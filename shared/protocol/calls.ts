// Requests this side made: each settles exactly once, by its answer, its time limit, its signal or the end of the link.
import { LongshoreError } from '../errors.ts';
import type { Clock } from '../time.ts';
import type { Frame } from './codec.ts';
import type { RequestOptions } from './peer-types.ts';
import { METHODS, type MethodName, type Params, type Result } from './schema.ts';
import type { Wire } from './wire.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

interface Call {
  method: MethodName;
  done: Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

type Answer = Extract<Frame, { t: 'res' | 'err' }>;

export class Calls {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Call>();
  #lastId = 0;

  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
  }

  /** Rejects with the far side's error, `timed_out`, `payload_too_large`, `link_closed` or the signal's reason. */
  async request<M extends MethodName>(method: M, params: Params<M>, options: RequestOptions): Promise<Result<M>> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    this.#wire.send({ t: 'req', id, m: method, p: params });
    const call = this.#add(id, method);
    const stopTimer = this.#clock.after(timeoutMs, () => this.#giveUp(id, new LongshoreError('timed_out')));
    const onAbort = () => this.#giveUp(id, signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return (await call.done) as Result<M>;
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Throws `protocol_violation` for an answer to what was never asked; a late one is dropped. */
  settle(answer: Answer): void {
    const call = this.#pending.get(answer.id);
    if (!call) {
      if (answer.id <= this.#lastId) return;
      throw new LongshoreError('protocol_violation', { details: 'an answer to a request that was never made' });
    }
    this.#pending.delete(answer.id);
    if (answer.t === 'err') return call.reject(LongshoreError.fromWire(answer.e));
    const result = METHODS[call.method].result().safeParse(answer.r);
    if (result.success) call.resolve(result.data);
    else call.reject(invalidResult(call.method, result.error));
  }

  failAll(error: Error): void {
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  /** Resolves when those under way now are settled, however. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#pending.values()].map((call) => call.done));
  }

  #add(id: number, method: MethodName): Call {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call = { method, done: promise, resolve, reject };
    this.#pending.set(id, call);
    return call;
  }

  #giveUp(id: number, error: Error): void {
    const call = this.#pending.get(id);
    if (!call) return;
    this.#pending.delete(id);
    this.#wire.send({ t: 'cancel', id });
    call.reject(error);
  }
}

const invalidResult = (method: MethodName, cause: Error) =>
  new LongshoreError('protocol_violation', { message: `The answer to "${method}" is not valid`, cause });
