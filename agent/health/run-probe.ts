// Asks one container once, within a time. Never rejects: what went wrong is the answer.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { EndDeps } from '../exec/end-program.ts';
import type { HealthCheck } from './health-check.ts';
import type { ProbeResult } from './probe-result.ts';
import { probeExec } from './probes/exec.ts';
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
  { probe, timeoutMs }: HealthCheck,
  stopped: AbortSignal,
  deps: ProbeDeps,
): Promise<Answer> {
  const { clock } = deps;
  const startedAt = clock.elapsed();
  const limit = new AbortController();
  let isOurs = false;
  const cancel = clock.after(timeoutMs, () => {
    isOurs = clock.elapsed() - startedAt > timeoutMs + TIMER_SLACK_MS;
    limit.abort();
  });
  const signal = AbortSignal.any([limit.signal, stopped]);
  try {
    return { ...(await ask(target, probe, signal, deps)), at: clock.now() };
  } catch (error) {
    const isLate = limit.signal.aborted && { verdict: 'failed' as const, output: `no answer within ${timeoutMs} ms` };
    const result = stopped.aborted || isOurs ? NOT_ASKED : isLate || resultOf(error);
    return { ...result, at: clock.now() };
  } finally {
    cancel();
  }
}

const NOT_ASKED: ProbeResult = { verdict: 'unknown', output: 'the agent could not ask in time' };

async function ask(
  { containerId, address }: Target,
  probe: HealthCheck['probe'],
  signal: AbortSignal,
  deps: ProbeDeps,
): Promise<ProbeResult> {
  if (probe.type === 'exec') {
    if (!deps.mayExec) return { verdict: 'unknown', output: 'policy.yaml of the host forbids exec' };
    return probeExec(containerId, probe.command, signal, deps);
  }
  if (address === null) return { verdict: 'failed', output: 'the container has no address: use an exec probe' };
  return probe.type === 'tcp' ? probeTcp(address, probe.port, signal) : probeHttp(address, probe, signal);
}

/** Docker's faults are no verdict on the container. */
function resultOf(error: unknown): ProbeResult {
  const output = error instanceof Error ? error.message : 'failed';
  return { verdict: error instanceof LongshoreError ? 'unknown' : 'failed', output };
}
