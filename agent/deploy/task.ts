// What every part of a job works with: the job, its folder, the deps, and which step is under way.
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep } from '#shared/model.ts';
import type { ExecutorDeps } from './executor.ts';
import type { JobRun, StepUpdate } from './job-run.ts';
import { Workspace } from './workspace.ts';

export type Say = (update: StepUpdate) => void;

/** Somebody (the OOM killer, an operator) may end compose; running it again repairs what it left. */
const RETRIES_AFTER_INTERRUPTION = 2;

export class Task {
  readonly deps: ExecutorDeps;
  readonly run: JobRun;
  readonly workspace: Workspace;
  #step: JobStep | null = null;

  constructor(deps: ExecutorDeps, run: JobRun) {
    this.deps = deps;
    this.run = run;
    this.workspace = new Workspace(deps.dataDir, run.service.spec.name);
  }

  /** The step that runs, or the last that ran. */
  get currentStep(): JobStep | null {
    return this.#step;
  }

  get project(): { name: string; directory: string } {
    return { name: this.workspace.name, directory: this.workspace.directory };
  }

  get healthTimeoutMs(): number {
    return this.run.service.spec.healthTimeoutS * 1000;
  }

  /** A step of the job; an abort is seen before it begins. */
  async step<T>(name: JobStep, work: (say: Say) => Promise<T>): Promise<T> {
    this.run.signal.throwIfAborted();
    this.#step = name;
    return this.run.steps.run(name, work);
  }

  skip(name: JobStep, message: string): void {
    this.run.steps.skip(name, message);
  }
}

/** Runs a child process's work again when the child was killed. */
export async function retried<T>(say: Say, work: () => Promise<T>): Promise<T> {
  for (let left = RETRIES_AFTER_INTERRUPTION; ; left--) {
    try {
      return await work();
    } catch (error) {
      const mayRetry = left > 0 && error instanceof LongshoreError && error.code === 'interrupted';
      if (!mayRetry) throw error;
      say({ message: `${error.message}; running it again` });
    }
  }
}
