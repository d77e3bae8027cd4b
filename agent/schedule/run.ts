// One run of a schedule on this host, from its first word to its last: target after target, each told as it ends.
// What it does is on disk before it is done: after a crash it goes on where it was. A job is then waited for, a program
// inside a container is not run again, what is about the host is done once more.
import type { JobResult } from '#shared/jobs.ts';
import {
  OUTPUT_CHARS,
  RUN_OUTPUT_CHARS,
  type RunState,
  type RunTarget,
  type ScheduleKind,
  type ScheduleRun,
  type ScheduleSpec,
} from '#shared/schedule/schedule.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { LocalJobs, LocalOrder } from '../jobs/local-jobs.ts';
import type { AgentState } from '../state/open.ts';
import { reasonToSkip } from './aim.ts';
import { findCandidate } from './candidates.ts';
import {
  cleanUp,
  failed,
  outcomeOf,
  reasonNotToUpdate,
  report,
  runProgram,
  skipped,
  type Outcome,
  type WorkDeps,
} from './work.ts';

export interface RunDeps extends WorkDeps {
  state: AgentState;
  jobs: LocalJobs;
  clock: Clock;
}

const REASON_CHARS = 1_000;

type JobKind = LocalOrder['kind'];
/** `update` looks before it does. */
const JOBS: Record<Exclude<ScheduleKind, 'exec' | 'cleanup' | 'statistics'>, JobKind> = {
  restart: 'restart',
  start: 'start',
  stop: 'stop',
  redeploy: 'redeploy',
  backup: 'backup',
  drill: 'drill',
  update: 'redeploy',
};

export class Run {
  readonly #deps: RunDeps;
  readonly #spec: ScheduleSpec;
  readonly #signal: AbortSignal;
  #run: ScheduleRun;

  constructor(deps: RunDeps, spec: ScheduleSpec, run: ScheduleRun, signal: AbortSignal) {
    this.#deps = deps;
    this.#spec = spec;
    this.#run = run;
    this.#signal = signal;
  }

  async carry(): Promise<void> {
    const { clock, state } = this.#deps;
    const open = this.#run.targets.filter((target) => target.state === 'pending' || target.state === 'running');
    for (const [i, target] of open.entries()) {
      if (i > 0 && this.#spec.delayBetweenS > 0) await sleep(clock, this.#spec.delayBetweenS * 1000, this.#signal);
      const outcome = await outcomeOf(() => this.#work(target), this.#signal);
      this.#change(target, { ...outcome, reason: outcome.reason?.slice(0, REASON_CHARS) ?? null });
    }
    const ended = { ...this.#run, state: endOf(this.#run.targets), finishedAt: clock.now() };
    state.transact(() => this.#write(ended));
  }

  async #work(target: RunTarget): Promise<Outcome> {
    const { kind, exec } = this.#spec;
    if (this.#deps.state.meta.isRevoked) return failed('the host was revoked');
    if (kind === 'cleanup' || kind === 'statistics')
      return kind === 'cleanup' ? cleanUp(this.#deps) : report(this.#deps, this.#deps.clock.now());
    const { serviceId, jobId } = target;
    if (serviceId === null) return failed('it names no service');
    if (kind !== 'exec') return this.#job(target, serviceId, jobId);
    if (!exec) return failed('it names no program');
    return this.#program(target, serviceId, exec);
  }

  async #program(target: RunTarget, serviceId: string, exec: NonNullable<ScheduleSpec['exec']>): Promise<Outcome> {
    if (target.state === 'running') return failed('the agent ended while the program ran');
    const reason = this.#reasonToSkip(serviceId);
    if (reason !== null) return skipped(reason);
    this.#change(target, { state: 'running' });
    return runProgram(this.#deps, serviceId, exec, this.#signal);
  }

  async #job(target: RunTarget, serviceId: string, known: string | null): Promise<Outcome> {
    const { kind } = this.#spec;
    if (known === null && kind === 'update') {
      const reason = await reasonNotToUpdate(this.#deps, serviceId, this.#signal);
      if (reason) return reason;
    }
    const reason = known === null ? this.#reasonToSkip(serviceId) : null;
    if (reason !== null) return skipped(reason);
    const jobId = known ?? this.#begin(target, serviceId, JOBS[kind as keyof typeof JOBS]);
    return toOutcome(await this.#deps.jobs.result(jobId, this.#signal));
  }

  /** The run may have begun long ago: what is wanted of the service now counts. */
  #reasonToSkip(serviceId: string): string | null {
    const candidate = findCandidate(this.#deps.state, serviceId);
    return candidate ? reasonToSkip(this.#spec, candidate) : 'the service is not here any more';
  }

  #begin(target: RunTarget, serviceId: string, kind: JobKind): string {
    const { state, jobs } = this.#deps;
    const jobId = state.transact(() => {
      const accepted = jobs.accept({ serviceId, kind, cause: `by schedule ${this.#spec.name}` });
      this.#write(this.#with(target, { state: 'running', jobId: accepted }));
      return accepted;
    });
    jobs.enqueue(jobId);
    return jobId;
  }

  #with({ serviceId }: RunTarget, change: Partial<RunTarget>): ScheduleRun {
    const targets = this.#run.targets.map((one) => (one.serviceId === serviceId ? { ...one, ...change } : one));
    return { ...this.#run, targets: cut(targets) };
  }

  #change(target: RunTarget, change: Partial<RunTarget>): void {
    this.#deps.state.transact(() => this.#write(this.#with(target, change)));
  }

  #write(run: ScheduleRun): void {
    writeRun(this.#deps.state, run);
    this.#run = run;
  }
}

/** On disk, and told. Inside a transaction. */
export function writeRun({ schedules, outbox }: Pick<AgentState, 'schedules' | 'outbox'>, run: ScheduleRun): void {
  schedules.putRun(run);
  outbox.append({ kind: 'schedule.run', run });
}

/** How a run ends whose targets have ended so. */
export function endOf(targets: readonly Pick<RunTarget, 'state'>[]): RunState {
  if (targets.some(({ state }) => state === 'failed')) return 'failed';
  return targets.some(({ state }) => state === 'succeeded') ? 'succeeded' : 'skipped';
}

const toOutcome = ({ state, error }: JobResult): Outcome =>
  state === 'succeeded'
    ? { state, reason: null, output: null }
    : failed(error?.message ?? `the job was ${state}`, error?.details ?? null);

/** The end of what each target said, until the run has no more room. */
function cut(targets: readonly RunTarget[]): RunTarget[] {
  let room = RUN_OUTPUT_CHARS;
  return targets.map((target) => {
    const output = target.output?.slice(-Math.max(1, Math.min(OUTPUT_CHARS, room))) ?? null;
    room = Math.max(0, room - (output?.length ?? 0));
    return { ...target, output };
  });
}
