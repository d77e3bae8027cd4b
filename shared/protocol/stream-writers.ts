// Streams the far side opened: this side sends. A frame goes out when its stream has credit, the connection has credit
// and the socket has room; where several streams could send, they take turns, one frame each.
//
// A stream that ended stays listed until its last byte is credited: those bytes still count against the connection.
import { LongshoreError, toLongshoreError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { MAX_STREAM_ID, type Frame } from './codec.ts';
import type { Handlers, StreamWriter } from './peer-types.ts';
import { CONNECTION_CREDIT_BYTES, STREAM_CREDIT_BYTES } from './limits.ts';
import { STREAMS, type StreamName } from './schema.ts';
import { parseParams } from './validate.ts';
import type { Wire } from './wire.ts';

/** Half a stream's credit: with the other half on its way back, the next frame always fits in the end. */
export const MAX_STREAM_FRAME_BYTES = STREAM_CREDIT_BYTES / 2;
/** More log followers on one host than any panel shows; the rest is told to come back. */
const MAX_STREAMS = 256;

type Handler = (params: unknown, writer: StreamWriter, opened: () => void) => Promise<void>;
type Open = Extract<Frame, { t: 'sopen' }>;

interface OutStream {
  id: number;
  /** Sent and not yet credited. */
  inFlightBytes: number;
  pending: { frame: Uint8Array; resolve: () => void; reject: (error: Error) => void }[];
  abort: AbortController;
  isOpened: boolean;
  state: 'running' | 'ending' | 'ended';
  error?: LongshoreError;
}

export class StreamWriters {
  readonly #wire: Wire;
  readonly #handlers: Handlers['streams'];
  readonly #log: Logger;
  readonly #streams = new Map<number, OutStream>();
  /** Streams with something to send and credit for it, in the order of their turns. */
  readonly #turns = new Set<OutStream>();
  #inFlightBytes = 0;
  #lastId = 0;

  constructor(wire: Wire, handlers: Handlers['streams'], log: Logger) {
    this.#wire = wire;
    this.#handlers = handlers;
    this.#log = log;
  }

  accept(open: Open): void {
    if (open.id <= this.#lastId) throw violation('a stream id is used twice');
    if (open.id > MAX_STREAM_ID) throw violation('a stream id does not fit its header');
    this.#lastId = open.id;
    const stream: OutStream = {
      id: open.id,
      inFlightBytes: 0,
      pending: [],
      abort: new AbortController(),
      isOpened: false,
      state: 'running',
    };
    this.#streams.set(open.id, stream);
    void this.#run(open, stream);
  }

  /** Throws `protocol_violation` for more than was sent: a far side that miscounts would stall or flood us. */
  credit(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return this.#requireKnown(id);
    if (bytes > stream.inFlightBytes) throw violation('credit for more bytes than were sent');
    stream.inFlightBytes -= bytes;
    this.#inFlightBytes -= bytes;
    this.#forgetIfDone(stream);
    this.#queueTurn(stream);
    this.pump();
  }

  cancel(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return this.#requireKnown(id);
    this.#abort(stream, new LongshoreError('cancelled'));
    this.pump(); // its credit goes to the others
  }

  abortAll(reason: LongshoreError): void {
    for (const stream of this.#streams.values()) this.#abort(stream, reason);
  }

  /** Sends what may be sent now. Called whenever credit or room has come back. */
  pump(): void {
    for (const stream of this.#turns) {
      if (!this.#wire.hasRoom) return;
      const next = stream.pending[0];
      if (next && this.#inFlightBytes + next.frame.byteLength > CONNECTION_CREDIT_BYTES) return; // waits in its place
      this.#turns.delete(stream);
      if (next) this.#sendNext(stream, next.frame);
      this.#queueTurn(stream); // at the end
      this.#endIfDrained(stream);
    }
  }

  async #run({ m: name, p }: Open, stream: OutStream): Promise<void> {
    try {
      const handler = Object.hasOwn(STREAMS, name) && this.#handlers[name as StreamName];
      if (!handler) throw new LongshoreError('unsupported', { message: `Unknown stream "${name}"` });
      if (this.#streams.size > MAX_STREAMS)
        throw new LongshoreError('unavailable', { message: 'Too many open streams' });
      const params = parseParams(STREAMS[name as StreamName](), p, name);
      // As in answers.ts: the table pairs each name with its schema and its handler.
      await (handler as Handler)(params, this.#writerOf(stream), () => this.#markOpened(stream));
    } catch (error) {
      stream.error = toLongshoreError(error);
      if (stream.error.code === 'internal' && !stream.abort.signal.aborted)
        this.#log.error({ err: error, stream: name }, 'a stream failed');
    }
    if (stream.state === 'running') stream.state = 'ending';
    this.#endIfDrained(stream);
  }

  #writerOf(stream: OutStream): StreamWriter {
    return { signal: stream.abort.signal, write: (frame) => this.#write(stream, frame) };
  }

  #write(stream: OutStream, frame: Uint8Array): Promise<void> {
    if (frame.byteLength > MAX_STREAM_FRAME_BYTES) {
      return Promise.reject(
        new LongshoreError('payload_too_large', {
          message: `A stream frame holds at most ${MAX_STREAM_FRAME_BYTES} bytes`,
        }),
      );
    }
    if (stream.state !== 'running')
      return Promise.reject(toLongshoreError(stream.abort.signal.reason ?? new LongshoreError('cancelled')));
    this.#markOpened(stream);
    return new Promise((resolve, reject) => {
      stream.pending.push({ frame, resolve, reject });
      this.#queueTurn(stream);
      this.pump();
    });
  }

  #markOpened(stream: OutStream): void {
    if (stream.isOpened || stream.state !== 'running') return;
    stream.isOpened = true;
    this.#wire.send({ t: 'sack', id: stream.id });
  }

  #queueTurn(stream: OutStream): void {
    const next = stream.pending[0];
    if (next && stream.inFlightBytes + next.frame.byteLength <= STREAM_CREDIT_BYTES) this.#turns.add(stream);
  }

  #sendNext(stream: OutStream, frame: Uint8Array): void {
    const sent = stream.pending.shift();
    stream.inFlightBytes += frame.byteLength;
    this.#inFlightBytes += frame.byteLength;
    this.#wire.sendData(stream.id, frame);
    sent?.resolve();
  }

  #endIfDrained(stream: OutStream): void {
    if (stream.state !== 'ending' || stream.pending.length > 0) return;
    stream.state = 'ended';
    this.#wire.send({ t: 'send', id: stream.id, ...(stream.error && { e: stream.error.toWire() }) });
    this.#forgetIfDone(stream);
  }

  #abort(stream: OutStream, reason: LongshoreError): void {
    stream.state = 'ended';
    this.#inFlightBytes -= stream.inFlightBytes;
    this.#turns.delete(stream);
    this.#streams.delete(stream.id);
    stream.abort.abort(reason);
    for (const { reject } of stream.pending.splice(0)) reject(reason);
  }

  #forgetIfDone(stream: OutStream): void {
    if (stream.state === 'ended' && stream.inFlightBytes === 0) this.#streams.delete(stream.id);
  }

  /** Words about a stream that is over may still be on their way; about one that never was they are a fault. */
  #requireKnown(id: number): void {
    if (id > this.#lastId) throw violation('a stream that was never opened');
  }
}

const violation = (details: string) => new LongshoreError('protocol_violation', { details });
