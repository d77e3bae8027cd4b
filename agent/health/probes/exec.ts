// A program inside the container: exit code 0 is a pass. One that is late is ended.
import { LongshoreError } from '#shared/errors.ts';
import { aborted } from '#shared/time.ts';
import type { RunningExec } from '../../docker/running-exec.ts';
import { endProgram, lastState, type EndDeps } from '../../exec/end-program.ts';
import { OUTPUT_BYTES, type ProbeResult } from '../probe-result.ts';

/** The output ends a moment before Docker knows of the end. */
const EXIT_CODE_WAIT_MS = 2_000;

/** Rejects with the signal's reason as soon as it aborts, and with Docker's fault. */
export async function startProgram(
  containerId: string,
  command: readonly string[],
  signal: AbortSignal,
  deps: EndDeps,
): Promise<RunningExec> {
  const starting = deps.engine.startExec(containerId, { command });
  const exec = await Promise.race([starting, aborted(signal)]);
  if (exec) return exec;
  void starting.then((late) => letGo(late, containerId, deps)).catch(() => {}); // it was not started after all
  throw signal.reason;
}

/** Rejects with the signal's reason when it aborts, and with Docker's fault. */
export async function probeExec(
  exec: RunningExec,
  containerId: string,
  signal: AbortSignal,
  deps: EndDeps,
): Promise<ProbeResult> {
  try {
    const output = await Promise.race([beginningOf(exec), aborted(signal)]);
    if (output === undefined) {
      const hasBegun = await wasStarted(exec);
      await letGo(exec, containerId, deps);
      if (hasBegun) throw signal.reason;
      throw new LongshoreError('docker_unavailable', { details: 'it did not start the program in time' });
    }
    const { exitCode } = await lastState(exec, deps.clock, EXIT_CODE_WAIT_MS);
    // It closed its output and runs on, or Docker has forgotten it.
    if (exitCode === null) throw new LongshoreError('docker_unavailable', { details: 'it tells no exit code' });
    return { verdict: exitCode === 0 ? 'passed' : 'failed', output: `exit code ${exitCode}\n${output}` };
  } finally {
    exec.detach();
  }
}

/** Docker takes the connection first and starts the program then, which takes long on a machine that is overloaded. */
async function wasStarted(exec: RunningExec): Promise<boolean> {
  const { isRunning, exitCode } = await exec.inspect();
  return isRunning || exitCode !== null;
}

async function letGo(exec: RunningExec, containerId: string, deps: EndDeps): Promise<void> {
  await endProgram({ exec, containerId, user: undefined, hasTerminal: false }, deps);
  exec.detach();
}

/** All of it is read, so that the program need not wait. */
async function beginningOf(exec: RunningExec): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const { bytes: piece } of exec.output) {
    if (bytes < OUTPUT_BYTES) pieces.push(piece);
    bytes += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, OUTPUT_BYTES).toString('utf8');
}
