// What every part of a job works with: the job, its folder, the deps, and which step is under way.
import { sectionOf } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { JobStep } from '#shared/jobs.ts';
import { sleep } from '#shared/time.ts';
import type { Proposals } from './ai/kept-proposal.ts';
import type { Advice } from './ai/question.ts';
import type { Review } from './ai/review.ts';
import type { ExecutorDeps } from './executor.ts';
import type { JobRun, StepUpdate } from './job-run.ts';
import type { Checkout } from './git/checkouts.ts';
import { Workspace } from './workspace.ts';

export type Say = (update: StepUpdate) => void;

/** Somebody (the OOM killer, an operator) may end compose; running it again repairs what it left. */
const RETRIES_AFTER_INTERRUPTION = 2;

/** dockerd is back within seconds of a restart, within a minute or two of an upgrade. */
const OUTAGE_LIMIT_MS = 120_000;
/** Of one step: an engine that goes away time and again lets no work be done. */
const MOST_OUTAGES = 3;
const ASK_AGAIN_MS = 1_000;

export class Task {
  readonly deps: ExecutorDeps;
  readonly run: JobRun;
  readonly workspace: Workspace;
  /** The commit this job deploys, once it is fetched. */
  checkout: Checkout | undefined;
  /** What the AI says of that commit, where it was asked. */
  advice: Advice | undefined;
  /** What was shown and approved: it is deployed as it is. */
  approved: Review | undefined;
  /** Where proposals are kept, for a task that only tries things. */
  proposals: Proposals | undefined;
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

  /** Relative paths of the compose file start in the checkout where there is one, in the folder that is deployed. */
  get project(): { name: string; directory: string } {
    const { name, directory } = this.workspace;
    return { name, directory: this.checkout?.folder ?? directory };
  }

  get isStranger(): boolean {
    return sectionOf(this.run.service.spec) === 'tenant';
  }

  /** What Compose fills in. */
  get variables(): Record<string, string> {
    return this.advice?.variables ?? this.run.service.spec.variables;
  }

  get healthTimeoutMs(): number {
    return this.run.service.spec.healthTimeoutS * 1000;
  }

  /** A step of the job; an abort is seen before it begins. */
  async step<T>(name: JobStep, work: (say: Say) => Promise<T>): Promise<T> {
    this.run.signal.throwIfAborted();
    this.#step = name;
    return this.run.steps.run(name, (say) => this.#throughOutages(say, () => work(say)));
  }

  /**
   * Docker may restart in the middle: every step can be done again, so it waits and does. The limit is for one outage; work
   * that got on for longer than that has met another.
   */
  async #throughOutages<T>(say: Say, work: () => Promise<T>): Promise<T> {
    const { clock } = this.deps;
    let outages = 0;
    let giveUpAt = 0;
    for (;;) {
      const startedAt = clock.elapsed();
      try {
        return await work();
      } catch (error) {
        const isOutage = error instanceof LongshoreError && error.code === 'docker_unavailable';
        if (!isOutage || this.run.signal.aborted) throw error;
        if (outages === 0 || clock.elapsed() - startedAt >= OUTAGE_LIMIT_MS) {
          outages += 1;
          giveUpAt = clock.elapsed() + OUTAGE_LIMIT_MS;
        }
        if (outages > MOST_OUTAGES || clock.elapsed() >= giveUpAt) throw error;
        say({ message: 'Docker does not answer; waiting for it' });
        await this.#untilDockerAnswers(giveUpAt);
      }
    }
  }

  async #untilDockerAnswers(giveUpAt: number): Promise<void> {
    const { clock, engine } = this.deps;
    do {
      await sleep(clock, ASK_AGAIN_MS, this.run.signal);
      const answers = await engine.ping().then(
        () => true,
        () => false,
      );
      if (answers) return;
    } while (clock.elapsed() < giveUpAt);
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
