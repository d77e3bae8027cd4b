// The seam between the journal, which must not forget (agent/jobs), and the work, which must not care (agent/deploy).
import type { LongshoreError } from '#shared/errors.ts';
import type { BackupSummary } from '#shared/backup.ts';
import type { JobOffer, JobResult, JobStep, PlanStep, ProposalMark } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';

export interface StepUpdate {
  percent?: number;
  message?: string;
  bytesDone?: number;
  totalBytes?: number;
}

export interface StepRunner {
  /**
   * Journals the intent, tells control, does the work, journals the outcome. `work` may call `say` as often as it
   * likes. A failure is journalled as the step's outcome and rethrown.
   */
  run<T>(step: JobStep, work: (say: (update: StepUpdate) => void) => Promise<T>): Promise<T>;
  /** Records that a step has nothing to do, and why. */
  skip(step: JobStep, message: string): void;
  /**
   * When an earlier attempt (before a crash) began this step and left no outcome: the time of its first intent in
   * milliseconds since the epoch. The step then inspects before it repeats.
   */
  interruptedAt(step: JobStep): number | undefined;
}

/** What the host knows of a service before the job runs. */
export interface ServiceState {
  spec: ServiceSpec;
  /** Newest revision that was healthy; what a failed deploy goes back to. */
  goodRevision: number | null;
}

export interface JobRun {
  offer: JobOffer;
  service: ServiceState;
  steps: StepRunner;
  /** Aborts on cancel (reason: LongshoreError `cancelled` or `superseded`) and on shutdown (AbortError). */
  signal: AbortSignal;
}

/** A backup that a deploy took of what it was about to change. */
export type BackupBefore = NonNullable<JobResult['backupBefore']>;

/** Failing is an expected end of a job, so it is a value. Only an abort for shutdown is thrown. */
export type JobOutcome =
  | {
      state: 'succeeded';
      goodRevision: number | null;
      plan?: PlanStep[];
      backupBefore?: BackupBefore | undefined;
      unchanged?: boolean;
      backup?: BackupSummary;
      forgotten?: string[];
      drilled?: string;
      proposal?: ProposalMark;
    }
  | {
      state: 'failed' | 'cancelled';
      error: LongshoreError;
      goodRevision: number | null;
      plan?: PlanStep[];
      backupBefore?: BackupBefore | undefined;
      drilled?: string;
      rolledBackTo?: number;
    };

/** One call a job kind; implemented in agent/deploy/engine.ts. */
export type ExecuteJob = (run: JobRun) => Promise<JobOutcome>;
