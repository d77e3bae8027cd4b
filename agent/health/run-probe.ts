// Asks one container once, within a time. Never rejects: what went wrong is the answer.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { EndDeps } from '../exec/end-program.ts';
import type { HealthCheck } from './health-check.ts';
import type { ProbeResult } from './probe-result.ts';
import { probeExec, startProgram } from './probes/exec.ts';
import { probeHttp } from './probes/http.ts';
import { probeTcp } from './probes/tcp.ts';
import type { Answer } from './tracker.ts';

/** A timer that is later than this was not late because of the container: the machine slept, or we were busy. */
const TIMER_SLACK_MS = 1_000;

export interface Target {
  containerId: string;
  /** Null: it has none that can be reached. */
  address: string | null;
}

export interface ProbeDeps extends EndDeps {
  clock: Clock;
  /** Whether programs may be run in the containers of this service (host policy). */
  mayExec: boolean;
}

export async function runProbe(
  target: Target,
  check: HealthCheck,
  stopped: AbortSignal,
  deps: ProbeDeps,
): Promise<Answer> {
  const result = await ask(target, check, stopped, deps).catch((error: unknown) =>
    stopped.aborted ? NOT_ASKED : resultOf(error),
  );
  return { ...result, at: deps.clock.now() };
}

const NOT_ASKED: ProbeResult = { verdict: 'unknown', output: 'the agent could not ask in time' };

async function ask(
  { containerId, address }: Target,
  { probe, timeoutMs }: HealthCheck,
  stopped: AbortSignal,
  deps: ProbeDeps,
): Promise<ProbeResult> {
  const inTime = (question: Question) => answerWithin(timeoutMs, question, stopped, deps.clock);
  if (probe.type === 'exec') {
    if (!deps.mayExec) return { verdict: 'unknown', output: 'policy.yaml of the host forbids exec' };
    const exec = await startProgram(containerId, probe.command, stopped, deps); // a slow Docker is no slow container
    return inTime((signal) => probeExec(exec, containerId, signal, deps));
  }
  if (address === null) return { verdict: 'failed', output: 'the container has no address: use an exec probe' };
  return inTime((signal) =>
    probe.type === 'tcp' ? probeTcp(address, probe.port, signal) : probeHttp(address, probe, signal),
  );
}

type Question = (signal: AbortSignal) => Promise<ProbeResult>;

async function answerWithin(
  timeoutMs: number,
  question: Question,
  stopped: AbortSignal,
  clock: Clock,
): Promise<ProbeResult> {
  const startedAt = clock.elapsed();
  const limit = new AbortController();
  let isOurs = false;
  const cancel = clock.after(timeoutMs, () => {
    isOurs = clock.elapsed() - startedAt > timeoutMs + TIMER_SLACK_MS;
    limit.abort();
  });
  try {
    return await question(AbortSignal.any([limit.signal, stopped]));
  } catch (error) {
    if (!limit.signal.aborted || isDockersFault(error)) throw error;
    return isOurs ? NOT_ASKED : { verdict: 'failed', output: `no answer within ${timeoutMs} ms` };
  } finally {
    cancel();
  }
}

/** No verdict on the container. */
const isDockersFault = (error: unknown): error is LongshoreError => error instanceof LongshoreError;

function resultOf(error: unknown): ProbeResult {
  const output = error instanceof Error ? error.message : 'failed';
  return { verdict: isDockersFault(error) ? 'unknown' : 'failed', output };
}
