// Runs a program as a process group of its own: argv only, an environment from scratch, a deadline, bounded output.
// The deadline and an abort kill the whole group with SIGKILL: compose's own children (buildx) must not stay behind.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Where programs are looked for: never where the agent's own user says. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What is kept of a program's last words for an error message. */
export const TAIL_BYTES = 64 * 1024;

export interface ChildOptions {
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  onStdout: (line: string) => void;
  onStderr: (line: string) => void;
}

/** How it ended. `killedBy` says who sent the SIGKILL, when it was us. */
export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  killedBy: 'deadline' | 'abort' | null;
}

/** Resolves when the program has ended and its output is read. Rejects only when it could not be started. */
export async function runChild(file: string, options: ChildOptions): Promise<ChildEnd> {
  const { args, env, cwd, deadlineMs, signal } = options;
  if (signal?.aborted) return { code: null, signal: 'SIGKILL', killedBy: 'abort' };
  const child = spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let killedBy: ChildEnd['killedBy'] = null;
  const kill = (by: 'deadline' | 'abort') => {
    killedBy ??= by;
    killGroup(child.pid);
  };
  const onAbort = () => kill('abort');
  const timer = setTimeout(() => kill('deadline'), deadlineMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const ended = new Promise<ChildEnd>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve({ code, signal: by, killedBy }));
    });
    const [end] = await Promise.all([
      ended,
      readLines(child.stdout, options.onStdout),
      readLines(child.stderr, options.onStderr),
    ]);
    return end;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Already gone is fine. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}

/** Keeps the last lines up to TAIL_BYTES. */
export class Tail {
  readonly #lines: string[] = [];
  #bytes = 0;

  add(line: string): void {
    const kept = line.length > TAIL_BYTES ? `${line.slice(0, TAIL_BYTES)}…` : line;
    this.#lines.push(kept);
    this.#bytes += kept.length;
    while (this.#bytes > TAIL_BYTES && this.#lines.length > 1) this.#bytes -= this.#lines.shift()?.length ?? 0;
  }

  last(count: number): string[] {
    return this.#lines.slice(-count);
  }
}
