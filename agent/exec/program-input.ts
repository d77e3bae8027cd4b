// What is typed for one program, and the end of it.
//
// On a terminal the end is a key, Ctrl-D, and counts for whoever reads at that moment: for nobody where a shell that
// starts is about to set the terminal up (the kernel makes a zero of it then), for `cat` and not for the shell around
// it. So it is pressed again, ever more seldom, until the program ends or something else is typed.
import type { ExecInput } from '#shared/protocol/exec-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { RunningExec } from '../docker/running-exec.ts';

/** What a shell takes to start on a host that is not busy. */
const FIRST_AGAIN_MS = 100;
/** So long at most may a program sit there with nothing more to come. */
const MAX_AGAIN_MS = 10_000;

export interface ProgramInputOptions {
  exec: Pick<RunningExec, 'write' | 'endInput' | 'resize'>;
  hasTerminal: boolean;
  clock: Clock;
}

export class ProgramInput {
  readonly #options: ProgramInputOptions;
  #cancelAgain: () => void = () => undefined;
  #isClosed = false;

  constructor(options: ProgramInputOptions) {
    this.#options = options;
  }

  /** Resolves when the program has taken it. */
  async take({ data, isLast, size }: Pick<ExecInput, 'data' | 'isLast' | 'size'>): Promise<void> {
    const { exec } = this.#options;
    if (size) await exec.resize(size);
    if (data !== undefined) {
      this.#cancelAgain();
      await exec.write(Buffer.from(data, 'base64'));
    }
    if (isLast) this.#end(FIRST_AGAIN_MS);
  }

  /** The program has ended. */
  close(): void {
    this.#isClosed = true;
    this.#cancelAgain();
  }

  #end(againMs: number): void {
    const { exec, hasTerminal, clock } = this.#options;
    this.#cancelAgain();
    if (this.#isClosed) return;
    exec.endInput();
    if (!hasTerminal) return;
    this.#cancelAgain = clock.after(againMs, () => this.#end(Math.min(2 * againMs, MAX_AGAIN_MS)));
  }
}
