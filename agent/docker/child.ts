// Runs a program as a process group of its own: argv only, an environment from scratch, a deadline, bounded output.
// The deadline and an abort kill the whole group with SIGKILL: compose's own children (buildx) must not stay behind.
//
// Whatever becomes of it, the wait has an end: a process that left the group may hold the program's pipes for ever, and
// one in an uninterruptible call outlives its SIGKILL. The next run in that folder ends those (orphan.ts).
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Where programs are looked for: never where the agent's own user says. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** From the program's end, or from its SIGKILL: what it has said lies in its pipes, and is read at once. */
const LAST_WORDS_MS = 2_000;

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
  /** Takes the output as it is, and not in lines; a program whose output is not taken waits. What it throws counts as below. */
  pour?: ((stdout: Readable) => Promise<void>) | undefined;
  /** Writes what the program reads, and ends it; what it throws ends the program, and is what the run fails with. */
  feed?: ((stdin: Writable) => Promise<void>) | undefined;
}

/** How it ended. `killedBy` says who sent the SIGKILL, when it was us. */
export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  killedBy: 'deadline' | 'abort' | null;
}

/**
 * Resolves when the program has ended and its output is read, and at the latest two seconds after it ended or was killed.
 * Rejects only when it could not be started.
 */
export async function runChild(file: string, options: ChildOptions): Promise<ChildEnd> {
  const { deadlineMs, signal } = options;
  if (signal?.aborted) return { code: null, signal: 'SIGKILL', killedBy: 'abort' };
  const child = start(file, options);
  const end = endOf(child);
  let killedBy: ChildEnd['killedBy'] = null;
  const kill = (by: 'deadline' | 'abort') => {
    killedBy ??= by;
    killGroup(child.pid);
    end.expect();
  };
  const onAbort = () => kill('abort');
  const timer = setTimeout(() => kill('deadline'), deadlineMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  const fed = new Side(() => kill('abort'));
  if (child.stdin && options.feed) void fed.take(child.stdin, options.feed);
  try {
    const [how] = await Promise.all([
      end.reached,
      options.pour ? fed.take(child.stdout, options.pour) : readLines(child.stdout, options.onStdout),
      readLines(child.stderr, options.onStderr),
    ]);
    fed.requireWhole();
    return { ...how, killedBy };
  } finally {
    clearTimeout(timer);
    end.stop();
    signal?.removeEventListener('abort', onAbort);
  }
}

function start(file: string, { args, env, cwd, feed }: ChildOptions): Child {
  return spawn(file, args, { env, cwd, detached: true, stdio: [feed ? 'pipe' : 'ignore', 'pipe', 'pipe'] }) as Child;
}

/** Work on the program's own streams: what it throws ends the program, and is what the run fails with. */
class Side {
  readonly #giveUp: () => void;
  #failure: { error: unknown } | undefined;

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp;
  }

  async take<T extends Readable | Writable>(stream: T, work: (stream: T) => Promise<void>): Promise<void> {
    stream.on('error', () => undefined); // the program may end before all is read: that is its own to say
    try {
      await work(stream);
    } catch (error) {
      this.#failure ??= { error };
      this.#giveUp();
    }
  }

  requireWhole(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** `reached` is when it is gone and its pipes are closed; from `expect` on, or its exit, they are closed for it soon. */
function endOf(child: Child) {
  const { promise: reached, resolve, reject } = Promise.withResolvers<Pick<ChildEnd, 'code' | 'signal'>>();
  let timer: NodeJS.Timeout | undefined;
  const leave = () => {
    killGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
    const { exitCode: code, signalCode } = child;
    resolve({ code, signal: code === null ? (signalCode ?? 'SIGKILL') : null });
  };
  // Not in the timer itself: after a stall of the loop it fires before the pipes are read.
  const expect = () => void (timer ??= setTimeout(() => setImmediate(leave), LAST_WORDS_MS));
  child.once('error', reject);
  child.once('exit', expect);
  child.once('close', (code, signal) => resolve({ code, signal }));
  return { reached, expect, stop: () => clearTimeout(timer) };
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
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  stream.once('close', () => lines.close()); // of itself it waits for the end, which a stream that is destroyed never has
  for await (const line of lines) onLine(line);
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
