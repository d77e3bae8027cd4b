// Runs a program in the container that works on volumes, to its end: argv only, a deadline, and what it complained of in
// the error.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import { Tail } from '../../docker/child.ts';
import type { Engine } from '../../docker/engine.ts';
import type { RunningExec } from '../../docker/running-exec.ts';
import { lastState } from '../../exec/end-program.ts';
import { toolFault } from '../faults.ts';

const SHOWN_LINES = 5;
/** The output ends a moment before Docker knows of the end. */
const EXIT_CODE_WAIT_MS = 10_000;

export interface InsideDeps {
  engine: Pick<Engine, 'startExec'>;
  clock: Clock;
}

export interface InsideRun {
  command: readonly [program: string, ...args: string[]];
  deadlineMs: number;
  /** What it reads, at the pace at which it does; a program that ends takes no more of it. */
  input?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
  /** Exit codes beside 0 that are no fault. */
  accepts?: readonly number[];
}

/** Throws `timed_out`, the reason of an abort, or what its exit means. It may then still run: only its container ends it. */
export async function runInside(
  deps: InsideDeps,
  containerId: string,
  { command, deadlineMs, input, signal, accepts = [] }: InsideRun,
): Promise<{ exitCode: number | null; said: string }> {
  signal?.throwIfAborted();
  const exec = await deps.engine.startExec(containerId, { command, takesInput: input !== undefined });
  const late = AbortSignal.timeout(deadlineMs);
  const over = AbortSignal.any([late, ...(signal ? [signal] : [])]);
  const letGo = () => exec.detach();
  over.addEventListener('abort', letGo, { once: true });
  try {
    const said = await converse(exec, input);
    signal?.throwIfAborted();
    if (late.aborted) throw new LongshoreError('timed_out', { message: `Cannot restore: ${command[0]} took too long` });
    const { exitCode } = await lastState(exec, deps.clock, EXIT_CODE_WAIT_MS);
    if (exitCode === 0 || (exitCode !== null && accepts.includes(exitCode))) return { exitCode, said };
    throw toolFault(command[0], exitCode, said);
  } finally {
    over.removeEventListener('abort', letGo);
    exec.detach();
  }
}

/** Returns the last of what it said. */
async function converse(exec: RunningExec, input: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const words = new Tail();
  let hasEnded = false;
  const listen = async () => {
    for await (const { bytes } of exec.output) words.add(bytes.toString('utf8').trimEnd());
    hasEnded = true;
  };
  const feed = async () => {
    if (!input) return;
    for await (const bytes of input) {
      if (hasEnded) return;
      await exec.write(bytes);
    }
    exec.endInput();
  };
  await Promise.all([listen(), feed()]);
  return words.last(SHOWN_LINES).join('\n');
}
