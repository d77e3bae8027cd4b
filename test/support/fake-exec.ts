// Programs inside the containers of the fake engine: each prints what it is told to, echoes its input, and ends on order.
import type { ExecOptions, ExecOutputPart, ExecState, RunningExec } from '../../agent/docker/running-exec.ts';

export class FakeExec implements RunningExec {
  readonly containerId: string;
  readonly options: ExecOptions;
  readonly #parts: ExecOutputPart[] = [];
  #state: ExecState = { isRunning: true, exitCode: null, pid: 2 ** 22 };
  #isDetached = false;
  #wake: () => void = () => undefined;
  /** Sizes the terminal was given, the first one included. */
  readonly sizes: { columns: number; rows: number }[] = [];

  constructor(containerId: string, options: ExecOptions) {
    this.containerId = containerId;
    this.options = options;
    if (options.terminal) this.sizes.push(options.terminal);
  }

  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** Printed and not taken by whoever listens. */
  get unreadBytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get output(): AsyncIterable<ExecOutputPart> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<ExecOutputPart> {
    while (!this.#isDetached) {
      const part = this.#parts.shift();
      if (part) yield part;
      else if (!this.#state.isRunning) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  print(text: string, stream: ExecOutputPart['stream'] = 'stdout'): void {
    this.#parts.push({ stream, bytes: Buffer.from(text) });
    this.#wake();
  }

  exit(exitCode: number): void {
    this.#state = { isRunning: false, exitCode, pid: 0 };
    this.#wake();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state.isRunning) this.print(Buffer.from(bytes).toString());
  }

  endInput(): void {
    if (this.#state.isRunning && this.options.takesInput) this.exit(0);
  }

  async resize(size: { columns: number; rows: number }): Promise<void> {
    this.sizes.push(size);
  }

  async inspect(): Promise<ExecState> {
    return this.#state;
  }

  detach(): void {
    this.#isDetached = true;
    this.#wake();
  }
}

/** What a container's program does by itself: `echo`, `true`, `false` and `cat` as everywhere, the rest goes on. */
export function runFake(containerId: string, options: ExecOptions): FakeExec {
  const exec = new FakeExec(containerId, options);
  const [program, ...rest] = options.command;
  if (program === 'echo') exec.print(`${rest.join(' ')}\n`);
  if (program === 'echo' || program === 'true') exec.exit(0);
  if (program === 'false') exec.exit(1);
  if (program === 'cat' && !options.takesInput) exec.exit(0);
  return exec;
}
