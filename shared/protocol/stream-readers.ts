// Streams this side opened: it reads. Credit goes back when a frame is taken, not when it arrives, so that a slow loop
// slows the sender down and memory stays at 256 KiB a stream and 4 MiB a connection.
import { LongshoreError } from '../errors.ts';
import type { StreamReader } from './peer-types.ts';
import { CONNECTION_CREDIT_BYTES, STREAM_CREDIT_BYTES } from './limits.ts';
import type { StreamName, StreamParams } from './schema.ts';
import type { Wire } from './wire.ts';

/** Credit goes back in quarters: one small frame for each four or more of data, and never a sender that waits for us. */
const CREDIT_STEP_BYTES = STREAM_CREDIT_BYTES / 4;
/** Many streams may each owe less than a step; together they must not owe the connection's credit. */
const MAX_OWED_BYTES = CONNECTION_CREDIT_BYTES / 4;

interface InStream {
  id: number;
  queue: Uint8Array[];
  /** Received and not yet credited: queued and owed. */
  heldBytes: number;
  /** Taken by the loop and not yet credited. */
  owedBytes: number;
  opened: PromiseWithResolvers<void>;
  /** The loop, when it waits for a frame or the end. */
  waiter: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  end: { error?: Error } | undefined;
}

export class StreamReaders {
  readonly #wire: Wire;
  readonly #streams = new Map<number, InStream>();
  #heldBytes = 0;
  #owedBytes = 0;
  #lastId = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  open<S extends StreamName>(name: S, params: StreamParams<S>): StreamReader {
    const stream = this.#add();
    try {
      this.#wire.send({ t: 'sopen', id: stream.id, m: name, p: params });
    } catch (error) {
      this.#finish(stream, error as Error);
    }
    return this.#readerOf(stream);
  }

  /** A reader of a link that is closed already. */
  failed(error: Error): StreamReader {
    const stream = this.#add();
    this.#finish(stream, error);
    return this.#readerOf(stream);
  }

  acked(id: number): void {
    this.#find(id)?.opened.resolve();
  }

  /** Throws `protocol_violation` when the sender goes beyond its credit. */
  data(id: number, payload: Uint8Array): void {
    const stream = this.#find(id);
    if (!stream) return;
    if (stream.end) throw violation('data after the end of a stream');
    stream.heldBytes += payload.byteLength;
    this.#heldBytes += payload.byteLength;
    if (stream.heldBytes > STREAM_CREDIT_BYTES || this.#heldBytes > CONNECTION_CREDIT_BYTES)
      throw violation('data beyond the credit');
    stream.queue.push(payload);
    const waiter = takeWaiter(stream);
    if (waiter) waiter.resolve(this.#take(stream));
  }

  ended(id: number, error?: Error): void {
    const stream = this.#find(id);
    if (stream) this.#finish(stream, error);
  }

  failAll(error: Error): void {
    for (const stream of this.#streams.values()) if (!stream.end) this.#finish(stream, error);
  }

  #add(): InStream {
    const opened = Promise.withResolvers<void>();
    opened.promise.catch(() => {}); // who only iterates learns of the failure there
    const id = ++this.#lastId;
    const stream: InStream = { id, queue: [], heldBytes: 0, owedBytes: 0, opened, waiter: undefined, end: undefined };
    this.#streams.set(id, stream);
    return stream;
  }

  #readerOf(stream: InStream): StreamReader {
    const cancel = () => this.#cancel(stream);
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => this.#next(stream),
      return() {
        cancel();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { opened: stream.opened.promise, cancel, [Symbol.asyncIterator]: () => iterator };
  }

  #next(stream: InStream): Promise<IteratorResult<Uint8Array>> {
    if (stream.waiter)
      return Promise.reject(new LongshoreError('internal', { message: 'A stream has one reader at a time' }));
    if (stream.queue.length > 0) return Promise.resolve(this.#take(stream));
    if (!stream.end) return (stream.waiter = Promise.withResolvers<IteratorResult<Uint8Array>>()).promise;
    const { error } = stream.end;
    stream.end = {}; // an iterator fails once, then is done
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }

  #take(stream: InStream): IteratorResult<Uint8Array> {
    const value = stream.queue.shift() as Uint8Array;
    stream.owedBytes += value.byteLength;
    this.#owedBytes += value.byteLength;
    if (stream.owedBytes >= CREDIT_STEP_BYTES) this.#giveCredit(stream);
    else if (this.#owedBytes >= MAX_OWED_BYTES) for (const each of this.#streams.values()) this.#giveCredit(each);
    this.#forgetIfDone(stream);
    return { done: false, value };
  }

  #giveCredit(stream: InStream): void {
    const bytes = stream.owedBytes;
    if (bytes === 0) return;
    stream.owedBytes = 0;
    stream.heldBytes -= bytes;
    this.#owedBytes -= bytes;
    this.#heldBytes -= bytes;
    this.#wire.send({ t: 'scredit', id: stream.id, n: bytes });
  }

  #finish(stream: InStream, error?: Error): void {
    stream.end = error ? { error } : {};
    if (error) stream.opened.reject(error);
    else stream.opened.resolve();
    const waiter = takeWaiter(stream);
    if (waiter) this.#next(stream).then(waiter.resolve, waiter.reject);
    this.#forgetIfDone(stream);
  }

  #cancel(stream: InStream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#heldBytes -= stream.heldBytes;
    this.#owedBytes -= stream.owedBytes;
    stream.queue.length = 0;
    this.#wire.send({ t: 'scancel', id: stream.id });
    if (stream.end) return;
    stream.end = {};
    stream.opened.reject(new LongshoreError('cancelled'));
    takeWaiter(stream)?.resolve({ done: true, value: undefined });
  }

  #forgetIfDone(stream: InStream): void {
    if (!stream.end || stream.queue.length > 0) return;
    this.#giveCredit(stream);
    this.#streams.delete(stream.id);
  }

  /** Undefined for a stream that was cancelled or is over: its frames may still be on their way. */
  #find(id: number): InStream | undefined {
    if (id > this.#lastId) throw violation('a stream that was never opened');
    return this.#streams.get(id);
  }
}

function takeWaiter(stream: InStream): InStream['waiter'] {
  const { waiter } = stream;
  stream.waiter = undefined;
  return waiter;
}

const violation = (details: string) => new LongshoreError('protocol_violation', { details });
