// Two ends of a connection joined in memory, with the faults of a real one at hand: a network that stops carrying, a
// kernel that takes no more bytes. Frames arrive in later turns, as from a real socket.
import type { Socket } from '#shared/protocol/socket.ts';

type Data = string | Uint8Array;

export class MemorySocket implements Socket {
  /** Every frame this end sent, in order. */
  readonly sent: Data[] = [];
  pings = 0;
  closeCode: number | undefined;
  isTerminated = false;
  #far: MemorySocket | undefined;
  #isStuck = false;
  #isCut = false;
  #isClosed = false;
  readonly #unsent: Data[] = [];
  readonly #waiting: Data[] = [];
  #onMessage: ((data: Data) => void) | undefined;
  readonly #onAlive: (() => void)[] = [];
  readonly #onClose: ((code: number, reason: string) => void)[] = [];
  readonly #onDrain: (() => void)[] = [];

  join(far: MemorySocket): void {
    this.#far = far;
  }

  send(data: Data): void {
    if (this.#isClosed) return;
    this.sent.push(data);
    if (this.#isStuck) this.#unsent.push(data);
    else this.#carry(data);
  }

  ping(): void {
    this.pings += 1;
    queueMicrotask(() => {
      if (this.#isCut || this.#isClosed) return;
      this.#far?.comeAlive();
      this.comeAlive(); // the pong
    });
  }

  close(code: number, reason: string): void {
    this.closeCode ??= code;
    if (this.#isCut) return; // nobody confirms it
    setImmediate(() => {
      this.#far?.end(code, reason);
      this.end(code, reason);
    });
  }

  terminate(): void {
    this.isTerminated = true;
    setImmediate(() => this.end(1006, ''));
    if (!this.#isCut) setImmediate(() => this.#far?.end(1006, ''));
  }

  get bufferedBytes(): number {
    return this.#unsent.reduce((sum, data) => sum + data.length, 0);
  }

  onMessage(handler: ((data: Data) => void) | undefined): void {
    this.#onMessage = handler;
    while (this.#onMessage && this.#waiting.length > 0) this.#onMessage(this.#waiting.shift() as Data);
  }

  onAlive(handler: () => void): void {
    this.#onAlive.push(handler);
  }

  onClose(handler: (code: number, reason: string) => void): void {
    this.#onClose.push(handler);
  }

  onDrain(handler: () => void): void {
    this.#onDrain.push(handler);
  }

  // ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The kernel takes no more: what is sent from now on stays buffered. */
  stick(): void {
    this.#isStuck = true;
  }

  /** The kernel took it all and the far end got it. */
  unstick(): void {
    for (const data of this.#unsent) this.#carry(data);
    this.forgetUnsent();
  }

  /** The kernel took it all, and the far end never sees it. */
  forgetUnsent(): void {
    this.#isStuck = false;
    this.#unsent.length = 0;
    for (const handler of this.#onDrain) handler();
  }

  /** The network drops everything both ways and tells nobody: half-open. */
  cut(): void {
    this.#isCut = true;
    if (this.#far) this.#far.#isCut = true;
  }

  // ── what the far end does to this one ────────────────────────────────────────────────────────────────────────────

  deliver(data: Data): void {
    if (this.#isClosed) return;
    this.comeAlive();
    if (this.#onMessage) this.#onMessage(data);
    else this.#waiting.push(data);
  }

  comeAlive(): void {
    for (const handler of this.#onAlive) handler();
  }

  end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const handler of this.#onClose) handler(code, reason);
  }

  #carry(data: Data): void {
    setImmediate(() => {
      if (!this.#isCut) this.#far?.deliver(data);
    });
  }
}

export function socketPair(): [MemorySocket, MemorySocket] {
  const [a, b] = [new MemorySocket(), new MemorySocket()];
  a.join(b);
  b.join(a);
  return [a, b];
}

/** Turns of the loop that the longest exchange in these tests needs: there, handled, back, handled, and as many spare. */
const TURNS = 8;

/** Lets everything that is already on its way arrive and be answered. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
