// What waits for one slow client: a bounded queue that loses its oldest droppable messages and tells the client how
// many. Memory for a client that never reads is bounded by the limits below plus what the kernel holds.
import type { WebSocket } from 'ws';

/** Past it the socket is left alone until it drains: about a second of a slow mobile link. */
const SOCKET_BYTES = 256 * 1024;
/** Messages kept for a client that lags; at ~200 bytes each another 200 KB. */
const MAX_QUEUED = 1000;
/** Answers waiting for a client that goes on asking: one that reads has a handful. At 16 KiB each 1.6 MB. */
const MAX_ANSWERS = 100;
const OPEN = 1;

export type OutgoingSocket = Pick<WebSocket, 'bufferedAmount' | 'readyState' | 'send' | 'terminate'>;

export class Outgoing {
  readonly #socket: OutgoingSocket;
  readonly #maxQueued: number;
  #queue: { text: string; isDroppable: boolean }[] = [];
  #missed = 0;
  #inFlight = 0;

  constructor(socket: OutgoingSocket, maxQueued = MAX_QUEUED) {
    this.#socket = socket;
    this.#maxQueued = maxQueued;
  }

  /** News: may be lost, and is then counted. */
  tell(message: object): void {
    this.#push({ text: JSON.stringify(message), isDroppable: true });
  }

  /** The answer to something the client sent: never lost. A client that asks on and never reads is cut off. */
  answer(message: object): void {
    this.#push({ text: JSON.stringify(message), isDroppable: false });
    if (this.#queue.filter((entry) => !entry.isDroppable).length <= MAX_ANSWERS) return;
    this.#queue = [];
    this.#socket.terminate();
  }

  #push(entry: { text: string; isDroppable: boolean }): void {
    this.#queue.push(entry);
    if (this.#queue.length > this.#maxQueued) this.#dropOldest();
    this.#flush();
  }

  #dropOldest(): void {
    const oldest = this.#queue.findIndex((entry) => entry.isDroppable);
    if (oldest === -1) return;
    this.#queue.splice(oldest, 1);
    this.#missed++;
  }

  /**
   * The loss is told before what came after it. One message is always on its way, however full the socket is: its end
   * is what wakes us, and others (log lines) may have filled it.
   */
  #flush(): void {
    while (this.#socket.readyState === OPEN && (this.#inFlight === 0 || this.#socket.bufferedAmount < SOCKET_BYTES)) {
      const text = this.#missed > 0 ? this.#takeGap() : this.#queue.shift()?.text;
      if (text === undefined) return;
      this.#inFlight++;
      this.#socket.send(text, () => {
        this.#inFlight--;
        this.#flush();
      });
    }
  }

  #takeGap(): string {
    const gap = JSON.stringify({ type: 'gap', missed: this.#missed });
    this.#missed = 0;
    return gap;
  }
}
