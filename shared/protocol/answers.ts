// Requests and notifications the far side makes: looked up, validated, handed to the handlers, answered once.
import { LongshoreError, toLongshoreError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Frame } from './codec.ts';
import type { Handlers } from './peer-types.ts';
import { METHODS, NOTIFICATIONS, type MethodName, type NotificationName } from './schema.ts';
import { parseParams } from './validate.ts';
import type { Wire } from './wire.ts';

/** Far above what either side asks for at once; a far side gone wrong must not fill our memory with work. */
const MAX_REQUESTS_UNDER_WAY = 1024;

type Request = Extract<Frame, { t: 'req' }>;
type Notice = Extract<Frame, { t: 'ntf' }>;

export class Answers {
  readonly #wire: Wire;
  readonly #handlers: Handlers;
  readonly #log: Logger;
  readonly #running = new Map<number, { abort: AbortController; done: Promise<void> }>();
  #isDraining = false;

  constructor(wire: Wire, handlers: Handlers, log: Logger) {
    this.#wire = wire;
    this.#handlers = handlers;
    this.#log = log;
  }

  accept(request: Request): void {
    const { id } = request;
    if (this.#running.has(id))
      throw new LongshoreError('protocol_violation', { details: 'a request id is used twice' });
    if (this.#isDraining) return this.#fail(request, new LongshoreError('link_closed'));
    if (this.#running.size >= MAX_REQUESTS_UNDER_WAY) return this.#fail(request, new LongshoreError('unavailable'));
    const abort = new AbortController();
    const done = this.#answer(request, abort.signal).finally(() => this.#running.delete(id));
    this.#running.set(id, { abort, done });
  }

  /** The far side no longer waits: the handler is told, its answer is dropped there. */
  cancel(id: number): void {
    this.#running.get(id)?.abort.abort(new LongshoreError('cancelled'));
  }

  /** Best effort on both sides: what is unknown or invalid is dropped, never answered. */
  notice({ m: name, p }: Notice): void {
    const handler = Object.hasOwn(NOTIFICATIONS, name) && this.#handlers.notifications[name as NotificationName];
    if (!handler) return;
    const body = NOTIFICATIONS[name as NotificationName]().safeParse(p);
    if (!body.success)
      return this.#log.warn({ notification: name, err: body.error }, 'dropped an invalid notification');
    try {
      (handler as (body: unknown) => void)(body.data); // by the schema of the same name
    } catch (error) {
      this.#log.error({ err: error, notification: name }, 'a notification handler failed');
    }
  }

  abortAll(reason: Error): void {
    for (const { abort } of this.#running.values()) abort.abort(reason);
  }

  /** Refuses new requests; resolves when those under way are answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  async #answer(request: Request, signal: AbortSignal): Promise<void> {
    try {
      const result = await this.#handle(request, signal);
      this.#wire.send({ t: 'res', id: request.id, r: result });
    } catch (error) {
      this.#fail(request, error);
      if (!signal.aborted) this.#report(request.m, error);
    }
  }

  async #handle({ m: method, p }: Request, signal: AbortSignal): Promise<unknown> {
    const handler = Object.hasOwn(METHODS, method) && this.#handlers.requests[method as MethodName];
    if (!handler) throw new LongshoreError('unsupported', { message: `Unknown method "${method}"` });
    const params = parseParams(METHODS[method as MethodName].params(), p, method);
    // The table pairs each name with its schema and its handler; the compiler can't see that for a name from the wire.
    return await (handler as (params: unknown, signal: AbortSignal) => Promise<unknown>)(params, signal);
  }

  #fail({ id }: Request, error: unknown): void {
    this.#wire.send({ t: 'err', id, e: toLongshoreError(error).toWire() });
  }

  /** Coded errors are answers; what has no code is a fault of ours and only its cause explains it. */
  #report(method: string, error: unknown): void {
    if (toLongshoreError(error).code === 'internal')
      this.#log.error({ err: error, method }, 'a request handler failed');
  }
}
