// systemd's part for one program: starts it again whenever it ends, and kills it when it was ready and has not said that
// it lives for too long.
import { setTimeout as sleep } from 'node:timers/promises';
import type { NotifySocket } from './notify-socket.ts';
import type { Program } from './stack.ts';

const LOOK_EVERY_MS = 100;

export interface SupervisorOptions {
  program: Program;
  socket: NotifySocket;
  limitMs: number;
}

/** For the environment of the program. */
export const watchdogEnv = ({ env }: NotifySocket, limitMs: number): Record<string, string> => ({
  ...env,
  WATCHDOG_USEC: String(limitMs * 1000),
});

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stop = new AbortController();
  #restarts = 0;
  #watching: Promise<void> | undefined;

  /** Of a program that runs already. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Leaves the program as it is. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { program, socket } = this.#options;
    const stopped = new Promise<void>((resolve) => this.#stop.signal.addEventListener('abort', () => resolve()));
    for (let life = 0; ; life = socket.said().length) {
      const over = new AbortController();
      await Promise.race([program.gone(), this.#silence(life, over.signal), stopped]);
      over.abort();
      if (this.#stop.signal.aborted) return;
      await program.end('SIGKILL');
      program.start();
      this.#restarts += 1;
    }
  }

  /** `from`: how much had been said when this life began. */
  async #silence(from: number, over: AbortSignal): Promise<void> {
    const { socket, limitMs } = this.#options;
    let heard = 0;
    let heardAt = performance.now();
    while (!over.aborted) {
      const words = socket.said().slice(from);
      if (words.length > heard) [heard, heardAt] = [words.length, performance.now()];
      const isReady = from === 0 || words.some((word) => word.startsWith('READY=1'));
      if (isReady && performance.now() - heardAt > limitMs) return;
      await sleep(LOOK_EVERY_MS);
    }
  }
}
