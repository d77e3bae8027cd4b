// Runs the client in this process, with a world of its own: what it prints is kept, no terminal is touched.
import { PassThrough } from 'node:stream';
import { systemClock, type Clock } from '#shared/time.ts';
import { runCommandLine } from '../../cli/run.ts';
import type { World } from '../../cli/world.ts';

export interface CliOptions {
  url?: string;
  env?: Record<string, string>;
  /** What is piped into it. */
  stdin?: string;
  /** Columns of the terminal on stdout and stderr; none: they are pipes. */
  columns?: number;
  clock?: Clock;
  /** Presses Ctrl-C. */
  interrupt?: AbortSignal;
}

export interface CliRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A run under way: what it has said so far, and its end. */
export interface StartedCli {
  readonly stdout: string;
  readonly stderr: string;
  done: Promise<CliRun>;
}

export function startCli(args: string[], options: CliOptions = {}): StartedCli {
  const { url = 'http://127.0.0.1:9', columns, clock = systemClock, interrupt } = options;
  const [stdout, stderr] = [new Capture(columns), new Capture(columns)];
  const world: World = {
    env: { LONGSHORE_URL: url, LONGSHORE_API_KEY: 'lsk_test', TERM: 'xterm', ...options.env },
    stdin: new PassThrough().end(options.stdin ?? ''),
    stdout,
    stderr,
    clock,
    interruption: () => interrupt ?? new AbortController().signal,
  };
  const done = runCommandLine(args, world, '0.0.0-test').then((exitCode) => ({
    exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
  }));
  return {
    get stdout() {
      return stdout.text;
    },
    get stderr() {
      return stderr.text;
    },
    done,
  };
}

export const runCli = (args: string[], options?: CliOptions): Promise<CliRun> => startCli(args, options).done;

class Capture extends PassThrough {
  readonly isTTY: boolean;
  readonly columns?: number;
  text = '';

  constructor(columns: number | undefined) {
    super();
    this.isTTY = columns !== undefined;
    if (columns !== undefined) this.columns = columns;
    this.setEncoding('utf8').on('data', (text: string) => (this.text += text));
  }
}
