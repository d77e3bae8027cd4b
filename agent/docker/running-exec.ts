// A program that runs inside a container: the part of the Engine port that has a life of its own. Implemented by
// docker/exec.ts and, in tests, by a fake.

/** Columns and rows. */
export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface ExecOptions {
  /** The program and its arguments, as they are: no shell reads them. */
  command: readonly string[];
  /** Default: the container's. */
  user?: string | undefined;
  workingDir?: string | undefined;
  /** On top of the container's. */
  env?: Readonly<Record<string, string>> | undefined;
  /** With one, all output is stdout. */
  terminal?: TerminalSize | undefined;
  /** Without it the program reads an end at once. */
  takesInput?: boolean | undefined;
}

export interface ExecOutputPart {
  stream: 'stdout' | 'stderr';
  bytes: Buffer;
}

export interface ExecState {
  isRunning: boolean;
  /** Null while it runs, and where Docker has forgotten it. 126 and 127: it could not be started, as in a shell. */
  exitCode: number | null;
  /** On the host; 0 for one that has not started. */
  pid: number;
}

/** Docker has no call that ends such a program: see agent/exec/end-program.ts. */
export interface RunningExec {
  /**
   * What it prints, read at the pace of the loop: a program that is not read waits. Ends soon after the program, though
   * others that it left behind may still hold its output; fails with `docker_unavailable` when Docker goes away.
   */
  readonly output: AsyncIterable<ExecOutputPart>;
  /** Resolves when it has been taken; at once for a program that has ended. */
  write(bytes: Uint8Array): Promise<void>;
  /** The program reads an end. Safe to call again. */
  endInput(): void;
  /** Does nothing for a program that has ended. */
  resize(size: TerminalSize): Promise<void>;
  /** A container that is gone has nothing that runs. */
  inspect(): Promise<ExecState>;
  /** Lets go of its output and input, whether it runs or not; the loop over the output ends. Safe to call again. */
  detach(): void;
}
