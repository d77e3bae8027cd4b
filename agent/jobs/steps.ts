// A job's steps in the journal: the intent before the work, the outcome after it, each with the event that tells of it.
//
// An outcome is written together with what follows it (the next intent, or the job's end): one sync to disk a
// transition instead of two. A crash in between finds the intent without outcome, which is what resuming is for. When
// nothing follows soon, the outcome is written by itself.
import { LongshoreError, problemsOf, toLongshoreError } from '#shared/errors.ts';
import type { JobOffer, JobStep, Progress, StepState } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { StepRunner, StepUpdate } from '../deploy/job-run.ts';
import type { AgentState } from '../state/open.ts';
import { ProgressMerger } from './progress-merger.ts';
import type { Redact } from './redact.ts';

/** Longer than the code between two steps takes, shorter than a person notices. */
const OUTCOME_WAIT_MS = 20;
/** The schema's limit on a message. */
const MESSAGE_CHARS = 4000;

export interface StepsDeps {
  state: Pick<AgentState, 'journal' | 'outbox' | 'transact'>;
  clock: Clock;
  /** Tells watchers, best effort. */
  notify: (progress: Progress) => void;
  /** What else the job's start writes; called in the transaction of each intent. */
  onIntent: () => void;
  /** Everything a step says passes through it. */
  redact: Redact;
}

export class JournalledSteps implements StepRunner {
  readonly #deps: StepsDeps;
  readonly #offer: Pick<JobOffer, 'jobId' | 'serviceId'>;
  readonly #interrupted: Map<JobStep, number>;
  #waiting: (() => void)[] = [];
  #cancelTimer: (() => void) | undefined;
  #failedStep: JobStep | undefined;

  constructor(deps: StepsDeps, offer: Pick<JobOffer, 'jobId' | 'serviceId'>) {
    this.#deps = deps;
    this.#offer = { jobId: offer.jobId, serviceId: offer.serviceId }; // and no more: it goes into every event
    const open = deps.state.journal.steps(offer.jobId).filter(({ state }) => state === 'running');
    this.#interrupted = new Map(open.map(({ step, intentAt }) => [step, intentAt]));
  }

  /** First step that failed in the last attempt: what a rollback does afterwards is not the cause. */
  get failedStep(): JobStep | undefined {
    return this.#failedStep;
  }

  async run<T>(step: JobStep, work: (say: (update: StepUpdate) => void) => Promise<T>): Promise<T> {
    if (step === 'prepare') this.#failedStep = undefined; // an attempt begins
    this.#deps.state.transact(() => {
      this.writeWaiting();
      this.#write(step, 'running');
    });
    this.written();
    const merger = new ProgressMerger(this.#deps.clock, (update) => this.#notify(step, update));
    let last: StepUpdate = {};
    try {
      const result = await work((update) => {
        last = { ...last, ...update };
        merger.push(this.#clip(update));
      });
      this.#later(() => this.#write(step, 'done', last.message));
      return result;
    } catch (error) {
      this.#fail(step, error);
      throw error;
    } finally {
      merger.stop();
    }
  }

  skip(step: JobStep, message: string): void {
    this.#later(() => this.#write(step, 'skipped', message));
  }

  interruptedAt(step: JobStep): number | undefined {
    return this.#interrupted.get(step);
  }

  /** Writes outcomes that waited for company. Inside the caller's transaction; `written` comes after it. */
  writeWaiting(): void {
    for (const write of this.#waiting) write();
  }

  /** They are on disk. */
  written(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#waiting = [];
  }

  /** Outcomes by themselves, when nothing follows them. What cannot be written goes on waiting for company. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#waiting.length === 0) return;
    try {
      this.#deps.state.transact(() => this.writeWaiting());
      this.written();
    } catch (error) {
      if (!(error instanceof LongshoreError)) throw error; // the disk is full
    }
  }

  /** A shutdown leaves the intent as it is: the next process inspects and goes on. */
  #fail(step: JobStep, error: unknown): void {
    if (isShutdown(error)) return;
    this.#failedStep ??= step;
    const { message, details, fields } = toLongshoreError(error);
    const said = [message, details, problemsOf(fields).join('; ')].filter(Boolean).join(': ');
    this.#later(() => this.#write(step, 'failed', said));
  }

  #later(write: () => void): void {
    this.#waiting.push(write);
    this.#cancelTimer ??= this.#deps.clock.after(OUTCOME_WAIT_MS, () => this.flush());
  }

  #write(step: JobStep, state: StepState, message?: string): void {
    const { journal, outbox } = this.#deps.state;
    const at = this.#deps.clock.now();
    if (state === 'running') {
      journal.start(this.#offer.jobId, at);
      this.#deps.onIntent();
    }
    journal.putStep(this.#offer.jobId, step, state, at);
    outbox.append({ kind: 'job.step', progress: { ...this.#offer, step, state, ...this.#clip({ message }), at } });
  }

  #notify(step: JobStep, update: StepUpdate): void {
    this.#deps.notify({ ...this.#offer, step, state: 'running', ...update, at: this.#deps.clock.now() });
  }

  #clip({ message, percent, ...bytes }: Omit<StepUpdate, 'message'> & { message?: string | undefined }): StepUpdate {
    return {
      ...bytes,
      ...(percent !== undefined && { percent: Math.min(100, Math.max(0, percent)) }),
      ...(message !== undefined && { message: this.#deps.redact(message).slice(0, MESSAGE_CHARS) }),
    };
  }
}

/** Abort for another reason than a cancel: the process is about to end. */
export const isShutdown = (error: unknown): boolean =>
  !(error instanceof LongshoreError) && (error as Error | undefined)?.name === 'AbortError';
