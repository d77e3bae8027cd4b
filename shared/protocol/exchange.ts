// The frames of a handshake one by one, under one time limit, before a peer takes the socket over. Used at both ends.
import { LongshoreError } from '../errors.ts';
import type { Clock } from '../time.ts';
import { errorOfClose } from './closing.ts';
import type { Socket } from './socket.ts';

export class Exchange {
  readonly #socket: Socket;
  readonly #abort = new AbortController();
  readonly #cancelLimit: () => void;

  constructor(socket: Socket, clock: Clock, limitMs: number) {
    this.#socket = socket;
    this.#cancelLimit = clock.after(limitMs, () => this.#abort.abort(new LongshoreError('timed_out')));
    socket.onClose((code, reason) => {
      this.#cancelLimit();
      this.#abort.abort(errorOfClose(code, reason));
    });
  }

  /** Aborts with `timed_out` past the limit, and with the error of the close code when the socket closes. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Returns the text as sent: it is what gets hashed and signed. */
  send(message: object): string {
    const text = JSON.stringify(message);
    this.#socket.send(text);
    return text;
  }

  /** Rejects with the signal's reason, or `protocol_violation` for a binary frame. */
  async next(): Promise<string> {
    this.signal.throwIfAborted();
    const frame = Promise.withResolvers<string | Uint8Array>();
    const onAbort = () => frame.reject(this.signal.reason);
    this.signal.addEventListener('abort', onAbort, { once: true });
    this.#socket.onMessage((data) => {
      this.#socket.onMessage(undefined); // the one after it belongs to whoever asks next
      frame.resolve(data);
    });
    try {
      const data = await frame.promise;
      if (typeof data === 'string') return data;
      throw new LongshoreError('protocol_violation');
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Lifts the limit: the handshake is done or given up. */
  end(): void {
    this.#cancelLimit();
  }
}
