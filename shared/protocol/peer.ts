// One end of an established link: requests both ways, notifications, streams and the heartbeat over one Socket. The same
// code at the agent and at control. Knows nothing of what the methods mean and never reconnects.
//
//            close()              drained, or 5 s             far side confirmed, or 2 s
//   open ───────────────▶ draining ─────────────────▶ closing ─────────────────────────▶ closed
//     │                      │                                                             ▲
//     └──────────────────────┴── destroy(), 45 s of silence, a violation, socket gone ─────┘
//
// draining: new requests of either side are refused, those under way go on, streams as well.
// closed:   everything still under way has failed with `link_closed`; later calls fail with it too.
import { LongshoreError, toLongshoreError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Clock } from '../time.ts';
import { Answers } from './answers.ts';
import { Calls } from './calls.ts';
import { closeSocket } from './closing.ts';
import { decodeData, decodeFrame, encodeData, encodeFrame, type Frame } from './codec.ts';
import { startHeartbeat, type Heartbeat, type HeartbeatLimits } from './heartbeat.ts';
import type { CloseInfo, Handlers, Peer, RequestOptions, StreamReader } from './peer-types.ts';
import type { MethodName, Notification, NotificationName, Params, Result, StreamName, StreamParams } from './schema.ts';
import { BUFFERED_LIMIT_BYTES, CLOSE, PING_INTERVAL_MS, SILENCE_LIMIT_MS } from './limits.ts';
import type { Socket } from './socket.ts';
import { StreamReaders } from './stream-readers.ts';
import { StreamWriters } from './stream-writers.ts';
import type { Wire } from './wire.ts';

export interface PeerOptions {
  /** Past the handshake. The peer takes it over. */
  socket: Socket;
  handlers: Handlers;
  clock: Clock;
  log: Logger;
  /** Shorter ones for tests; both sides must agree. */
  limits?: Partial<HeartbeatLimits>;
}

/** Long enough for an answer, short enough for a stop. */
const DRAIN_LIMIT_MS = 5000;
/** RFC 6455 §7.4.1: what a close without a closing handshake is called. */
const CLOSED_ABNORMALLY = 1006;

export function createPeer(options: PeerOptions): Peer {
  return new SocketPeer(options);
}

class SocketPeer implements Peer, Wire {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #calls: Calls;
  readonly #answers: Answers;
  readonly #readers: StreamReaders;
  readonly #writers: StreamWriters;
  readonly #heartbeat: Heartbeat;
  readonly #closed = Promise.withResolvers<CloseInfo>();
  #state: 'open' | 'draining' | 'closing' | 'closed' = 'open';

  constructor({ socket, handlers, clock, log, limits }: PeerOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#log = log;
    this.#calls = new Calls(this, clock);
    this.#answers = new Answers(this, handlers, log);
    this.#readers = new StreamReaders(this);
    this.#writers = new StreamWriters(this, handlers.streams, log);
    const liveness = { pingIntervalMs: PING_INTERVAL_MS, silenceLimitMs: SILENCE_LIMIT_MS, ...limits };
    this.#heartbeat = startHeartbeat(socket, clock, liveness, () => this.#onSilence());
    socket.onDrain(() => this.#writers.pump());
    socket.onClose((code, reason) => this.#fail(code, reason));
    socket.onMessage((data) => this.#onMessage(data));
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get closed(): Promise<CloseInfo> {
    return this.#closed.promise;
  }

  async request<M extends MethodName>(method: M, params: Params<M>, options: RequestOptions = {}): Promise<Result<M>> {
    if (!this.isOpen) throw new LongshoreError('link_closed');
    return await this.#calls.request(method, params, options);
  }

  notify<N extends NotificationName>(name: N, body: Notification<N>): void {
    if (this.isOpen && this.hasRoom) this.send({ t: 'ntf', m: name, p: body });
  }

  openStream<S extends StreamName>(name: S, params: StreamParams<S>): StreamReader {
    if (!this.isOpen) return this.#readers.failed(new LongshoreError('link_closed'));
    return this.#readers.open(name, params);
  }

  async probe(limitMs: number): Promise<boolean> {
    return this.#state !== 'closed' && (await this.#heartbeat.probe(limitMs));
  }

  async close(code: number, reason: string): Promise<void> {
    if (this.#state === 'open') await this.#drainAndClose(code, reason);
    await this.#closed.promise;
  }

  destroy(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#fail(code, reason);
    closeSocket(this.#socket, this.#clock, code, reason);
  }

  // ── the way out, for the parts ─────────────────────────────────────────────────────────────────────────────────────

  get hasRoom(): boolean {
    return this.#socket.bufferedBytes <= BUFFERED_LIMIT_BYTES;
  }

  send(frame: Frame): void {
    if (this.#state !== 'closed') this.#socket.send(encodeFrame(frame));
  }

  sendData(streamId: number, payload: Uint8Array): void {
    if (this.#state !== 'closed') this.#socket.send(encodeData(streamId, payload));
  }

  // ── the way in ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #onMessage(data: string | Uint8Array): void {
    if (this.#state === 'closed') return;
    try {
      if (typeof data === 'string') return this.#onFrame(decodeFrame(data));
      const { id, payload } = decodeData(data);
      this.#readers.data(id, payload);
    } catch (error) {
      this.#log.warn({ err: error }, 'closed a link that broke the protocol');
      this.destroy(CLOSE.protocol, toLongshoreError(error).code);
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.t) {
      case 'req':
        return this.#answers.accept(frame);
      case 'res':
      case 'err':
        return this.#calls.settle(frame);
      case 'cancel':
        return this.#answers.cancel(frame.id);
      case 'ntf':
        return this.#answers.notice(frame);
      case 'sopen':
        return this.#writers.accept(frame);
      case 'scredit':
        return this.#writers.credit(frame.id, frame.n);
      case 'scancel':
        return this.#writers.cancel(frame.id);
      case 'sack':
        return this.#readers.acked(frame.id);
      case 'send':
        return this.#readers.ended(frame.id, frame.e && LongshoreError.fromWire(frame.e));
    }
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #drainAndClose(code: number, reason: string): Promise<void> {
    this.#state = 'draining';
    const limit = Promise.withResolvers<void>();
    const cancelLimit = this.#clock.after(DRAIN_LIMIT_MS, limit.resolve);
    const drained = Promise.all([this.#calls.settled(), this.#answers.drain()]);
    await Promise.race([drained, limit.promise, this.#closed.promise]);
    cancelLimit();
    if (this.#isIn('closed')) return;
    this.#state = 'closing';
    closeSocket(this.#socket, this.#clock, code, reason);
  }

  #isIn(state: 'closed'): boolean {
    return this.#state === state; // a call, because the compiler does not see that awaiting changed it
  }

  #onSilence(): void {
    this.#socket.terminate(); // a close frame would wait for an answer that does not come
    this.#fail(CLOSED_ABNORMALLY, 'silence');
  }

  #fail(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#heartbeat.stop();
    const error = new LongshoreError('link_closed');
    this.#calls.failAll(error);
    this.#answers.abortAll(error);
    this.#readers.failAll(error);
    this.#writers.abortAll(error);
    this.#closed.resolve({ code, reason });
  }
}
