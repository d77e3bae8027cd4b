// One program from its start to its end: passes its output on, and ends it when it is not wanted any more.
import type { Logger } from '#shared/log.ts';
import type { ExecEnded, ExecRequest } from '#shared/protocol/exec-parts.ts';
import type { StreamWriter } from '#shared/protocol/peer-types.ts';
import { aborted, type Clock } from '#shared/time.ts';
import { followMask, type SecretSource } from '../secrets/mask.ts';
import { endProgram, lastState, type EndDeps, type Program } from './end-program.ts';
import { ExecRelay } from './relay.ts';

export interface AttendDeps extends EndDeps {
  services: SecretSource;
  clock: Clock;
  log: Logger;
}

/** The output ends a moment before Docker knows of the end. */
const EXIT_CODE_WAIT_MS = 2_000;

/** Resolves when it has ended, or could not be ended. Rejects with the fault of its output. */
export async function attendProgram(
  program: Program,
  request: ExecRequest,
  writer: StreamWriter,
  stopped: AbortSignal,
  deps: AttendDeps,
): Promise<ExecEnded> {
  const { clock } = deps;
  const startedAt = clock.elapsed();
  using limit = new Limit([writer.signal, stopped], request.timeoutMs, clock);
  const over = limit.signal;
  const relay = relayOf(request, writer, deps);
  const relayed = relay.run(program.exec.output).catch((error: unknown) => {
    if (!over.aborted) throw error;
  });
  await Promise.race([relayed, aborted(over)]);
  limit.cancel();
  const isLeftRunning = over.aborted && !(await isBroughtToEnd(program, request, deps));
  if (!writer.signal.aborted) await relayed;
  return {
    kind: 'ended',
    exitCode: over.aborted ? null : (await lastState(program.exec, clock, EXIT_CODE_WAIT_MS)).exitCode,
    reason: limit.isLate ? 'timed_out' : 'exited',
    isLeftRunning,
    isTruncated: relay.isTruncated,
    durationMs: clock.elapsed() - startedAt,
  };
}

/** Aborts with any signal or after a time. `AbortSignal.any` would hold on to one that lives as long as the agent. */
class Limit implements Disposable {
  readonly #over = new AbortController();
  readonly #signals: readonly AbortSignal[];
  readonly #stop = () => this.#over.abort();
  readonly cancel: () => void;
  isLate = false;

  constructor(signals: readonly AbortSignal[], timeoutMs: number | null, clock: Clock) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#stop, { once: true });
    if (signals.some(({ aborted: isAborted }) => isAborted)) this.#stop();
    this.cancel = timeoutMs === null ? () => undefined : clock.after(timeoutMs, () => this.#expire());
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  #expire(): void {
    this.isLate = true;
    this.#stop();
  }

  [Symbol.dispose](): void {
    this.cancel();
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#stop);
  }
}

const relayOf = (
  { serviceId, terminal, outputLimitBytes: limitBytes }: ExecRequest,
  writer: StreamWriter,
  { services, clock }: AttendDeps,
): ExecRelay =>
  new ExecRelay({ writer, findMask: followMask(services, serviceId), limitBytes, isWatched: terminal !== null, clock });

async function isBroughtToEnd(program: Program, { serviceId }: ExecRequest, deps: AttendDeps): Promise<boolean> {
  if (await endProgram(program, deps)) return true;
  const { containerId: container } = program;
  deps.log.warn({ service: serviceId, container }, 'a program inside a container could not be ended');
  program.exec.detach(); // else its output would be waited for
  return false;
}
