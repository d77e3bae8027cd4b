// Carries accepted jobs to their one end, one at a time for each service, through crashes of this process.
//
//   accepted ──▶ [serial queue of the project] ──▶ running ──▶ finished (result and report in one transaction)
//       └── cancel while it waits ───────────────────────────▶ finished as cancelled, at once
//
//  1. Every open job in the journal is queued: on acceptance, or all of them in their order at start.
//  2. Jobs of one Compose project never overlap, also when a service was removed and another took its name.
//  3. A job ends by Journal.finish and nowhere else; an end that comes second tells nobody.
//  4. A shutdown ends no job: it stays open and the next process goes on with it.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import { isBackupKind } from '#shared/backup.ts';
import type { JobKind, JobOffer, Progress } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { Serial } from '#shared/serial.ts';
import type { Clock } from '#shared/time.ts';
import type { ForgetBackup } from '../backup/forget.ts';
import type { ExecuteJob, JobOutcome } from '../deploy/job-run.ts';
import type { OpenJob } from '../state/journal.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceWatch } from '../watch.ts';
import { JobEnd } from './end.ts';
import { redactorOf, redactOutcome } from './redact.ts';
import { isShutdown, JournalledSteps } from './steps.ts';

/** A job that has taken the process down this often is not tried again. */
const MAX_ATTEMPTS = 5;
/** Killing a child process takes a moment; one that does not let go is left to the next process, as after a crash. */
const STOP_LIMIT_MS = 8_000;

export interface RunnerDeps {
  state: AgentState;
  clock: Clock;
  execute: ExecuteJob;
  forgetBackup: ForgetBackup;
  watch: ServiceWatch;
  /** Service id → kind of the job that works on it now. Written here, read by the watch. */
  underWay: Map<string, JobKind>;
  /** Resolves when Docker answers; throws `docker_unavailable` when it has not for too long. */
  untilDockerAnswers: (signal: AbortSignal) => Promise<void>;
  notify: (progress: Progress) => void;
}

export class JobRunner {
  readonly #deps: RunnerDeps;
  readonly #scope: Scope;
  readonly #serial = new Serial();
  readonly #aborts = new Map<string, AbortController>();
  readonly #carried = new Map<string, Promise<void>>();
  /** Job id → until when it may begin, in time that passes: setting the clock makes no job expire. */
  readonly #startBy = new Map<string, number>();
  readonly #end: JobEnd;

  constructor(deps: RunnerDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
    this.#end = new JobEnd(deps);
  }

  /** Goes on with every job an earlier process left open. Called once, before new commands are taken. */
  recover(): void {
    const { journal } = this.#deps.state;
    const open = journal.openIds();
    if (open.length > 0) this.#deps.state.transact(() => journal.countAttempt());
    for (const id of open) this.enqueue(id);
  }

  /** Queues a journalled job. A job that is queued already, or has ended, stays as it is. */
  enqueue(jobId: string): void {
    const job = this.#deps.state.journal.findOpen(jobId);
    if (!job || this.#aborts.has(jobId)) return;
    const abort = new AbortController();
    this.#aborts.set(jobId, abort);
    if (job.cancel) abort.abort(reasonOf(job.cancel));
    const { clock } = this.#deps;
    const { expiresAt = Infinity } = job.offer;
    this.#startBy.set(jobId, clock.elapsed() + expiresAt - clock.now());
    const carried = this.#carry(job, abort.signal).finally(() => {
      this.#aborts.delete(jobId);
      this.#carried.delete(jobId);
      this.#startBy.delete(jobId);
    });
    this.#carried.set(jobId, carried);
    this.#scope.run(`job ${jobId}`, () => carried);
  }

  /** Resolves when nobody works on the job any more: it has ended, or is left to the next process. */
  async settled(jobId: string): Promise<void> {
    await this.#carried.get(jobId);
  }

  /** Looks up in the journal why, and tells the job. An unknown or ended one is left alone. */
  cancel(jobId: string): void {
    const reason = this.#deps.state.journal.findOpen(jobId)?.cancel;
    if (reason) this.#aborts.get(jobId)?.abort(reasonOf(reason));
  }

  /** Runs `work` on a service as a job would: after those that are queued, and those that come meanwhile wait. */
  between({ serviceId, project }: { serviceId: string; project: string }, work: () => Promise<void>): Promise<void> {
    return this.#serial.run(project, () => this.#occupy(serviceId, 'restart', work));
  }

  /** Tells every job to let go and waits until they have, or for as long as a stop may take. */
  async stop(): Promise<void> {
    for (const abort of this.#aborts.values()) abort.abort(new DOMException('the agent stops', 'AbortError'));
    const { promise: limit, resolve } = Promise.withResolvers<void>();
    const cancelLimit = this.#deps.clock.after(STOP_LIMIT_MS, resolve);
    await Promise.race([this.#serial.idle(), limit]);
    cancelLimit();
  }

  async #carry(job: OpenJob, signal: AbortSignal): Promise<void> {
    // One that had begun is carried on even when cancelled since: its traces on the host want clearing up.
    const leaveQueue = job.state === 'running' ? undefined : signal;
    try {
      await this.#serial.run(this.#keyOf(job.offer), () => this.#work(job, signal), leaveQueue);
    } catch (error) {
      if (signal.aborted && isShutdown(error)) return;
      if (!(error instanceof LongshoreError) || error !== signal.reason) throw error;
      await this.#end.finish(job, failed(error, this.#goodRevision(job.offer)));
      this.#deps.watch.touch(job.offer.serviceId);
    }
  }

  async #work(job: OpenJob, signal: AbortSignal): Promise<void> {
    const { serviceId, kind } = job.offer;
    await this.#occupy(serviceId, kind, () => this.#perform(job, signal));
  }

  async #occupy(serviceId: string, kind: JobKind, work: () => Promise<void>): Promise<void> {
    this.#deps.underWay.set(serviceId, kind);
    try {
      await work();
    } finally {
      this.#deps.underWay.delete(serviceId);
      this.#deps.watch.touch(serviceId); // what changed while nobody looked
    }
  }

  async #perform(job: OpenJob, signal: AbortSignal): Promise<void> {
    const { state, clock, notify } = this.#deps;
    const { serviceId, kind } = job.offer;
    const onIntent = () => {
      if (!isBackupKind(kind) && kind !== 'propose')
        state.services.setDesired(serviceId, kind === 'stop' ? 'stopped' : 'running');
    };
    const redact = redactorOf(state.services.secretsOf(serviceId));
    const steps = new JournalledSteps({ state, clock, notify, onIntent, redact }, job.offer);
    let outcome: JobOutcome;
    try {
      outcome = await this.#execute(job, steps, signal);
    } catch (error) {
      if (signal.aborted && isShutdown(signal.reason)) {
        steps.flush(); // no timer may outlive the database
        throw signal.reason;
      }
      outcome = failed(toLongshoreError(error), this.#goodRevision(job.offer));
    }
    await this.#end.finish(job, redactOutcome(outcome, redact), steps);
  }

  async #execute(job: OpenJob, steps: JournalledSteps, signal: AbortSignal): Promise<JobOutcome> {
    const { offer } = job;
    this.#checkStart(job);
    if (offer.kind === 'forget_backup') {
      await this.#deps.forgetBackup({ offer, steps, signal });
      return { state: 'succeeded', goodRevision: this.#goodRevision(offer) };
    }
    const spec = this.#specOf(offer);
    if (!spec) return { state: 'succeeded', goodRevision: null, unchanged: true }; // a remove of what is not here
    await this.#deps.untilDockerAnswers(signal);
    return this.#deps.execute({ offer, service: { spec, goodRevision: this.#goodRevision(offer) }, steps, signal });
  }

  #checkStart({ offer, state, attempts }: OpenJob): void {
    if (attempts > MAX_ATTEMPTS) {
      const details = `the agent ended ${attempts - 1} times while it worked on it`;
      throw new LongshoreError('interrupted', { details });
    }
    const startBy = this.#startBy.get(offer.jobId) ?? Infinity;
    if (state === 'accepted' && startBy <= this.#deps.clock.elapsed()) {
      throw new LongshoreError('expired');
    }
    const namesakes = offer.spec ? this.#deps.state.services.idsWithName(offer.spec.name) : [];
    if (namesakes.some((id) => id !== offer.serviceId)) {
      throw new LongshoreError('name_taken', { message: `The host has another service "${offer.spec?.name}"` });
    }
  }

  #specOf(offer: JobOffer): ServiceSpec | undefined {
    return offer.spec ?? this.#deps.state.services.find(offer.serviceId)?.spec;
  }

  #goodRevision(offer: JobOffer): number | null {
    return this.#deps.state.services.find(offer.serviceId)?.goodRevision ?? null;
  }

  /** The Compose project, so that namesakes wait for each other. */
  #keyOf(offer: JobOffer): string {
    return this.#specOf(offer)?.name ?? offer.serviceId;
  }
}

const reasonOf = (reason: 'cancelled' | 'superseded') => new LongshoreError(reason);
const failed = (error: LongshoreError, goodRevision: number | null): JobOutcome => ({
  state: 'failed',
  error,
  goodRevision,
});

/** Starts with the jobs that were left open. */
export function startRunner(deps: RunnerDeps, scope: Scope): JobRunner {
  const runner = new JobRunner(deps, scope);
  scope.onStop('jobs', () => runner.stop());
  runner.recover();
  return runner;
}
