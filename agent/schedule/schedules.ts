// Runs the schedules of this host on time, control or not. Each is looked at when it is due and at least twice a minute,
// because a clock may be set at any time; what was due is decided and written before anything is done.
import { newId } from '#shared/ids.ts';
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { ScheduleRun, ScheduleSpec } from '#shared/schedule/schedule.ts';
import type { StoredSchedule } from '../state/schedules.ts';
import { decideDue, type Due } from './due.ts';
import { jitterOf } from './jitter.ts';
import { askedRun, newRun } from './new-run.ts';
import { Run, writeRun, type RunDeps } from './run.ts';

export interface ScheduleDeps extends RunDeps {
  log: Logger;
}

const LOOK_EVERY_MS = 30_000;

export class Schedules {
  readonly #deps: ScheduleDeps;
  readonly #scope: Scope;
  /** Schedules that have a run under way. */
  readonly #running = new Set<string>();
  #cancelLook: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #isStale = false;

  constructor(deps: ScheduleDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
    scope.onStop('schedules', () => this.#cancelLook?.());
  }

  /** Goes on with runs an earlier process left open, and looks at all schedules. */
  start(): void {
    for (const run of this.#deps.state.schedules.openRuns()) if (run.state === 'running') this.#carry(run);
    this.touch();
  }

  /** Something is new: a schedule, or a run that was asked for. */
  touch(): void {
    this.#isStale = true;
    if (this.#looking || this.#scope.signal.aborted) return;
    this.#scope.run('schedules', () => {
      this.#looking = this.#lookAll().finally(() => (this.#looking = undefined));
      return this.#looking;
    });
  }

  async #lookAll(): Promise<void> {
    while (this.#isStale && !this.#scope.signal.aborted) {
      this.#isStale = false;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { state, clock } = this.#deps;
    this.#cancelLook?.();
    if (state.meta.isRevoked) return; // until control lets this host in again
    const stored = state.schedules.all();
    const asked = state.schedules.openRuns().filter((run) => run.state === 'pending');
    for (const run of asked) this.#beginAsked(run);
    let nextAt = Infinity;
    for (const one of stored) if (one.spec.isEnabled) nextAt = Math.min(nextAt, await this.#lookAt(one));
    if (stored.length === 0 || this.#scope.signal.aborted) return;
    const delay = Math.min(LOOK_EVERY_MS, Math.max(0, nextAt - clock.now()));
    this.#cancelLook = clock.after(delay, () => this.touch());
  }

  /** Returns when it is due next. */
  async #lookAt({ spec, cursor }: StoredSchedule): Promise<number> {
    const { state, clock, log } = this.#deps;
    const planned = await plan(spec, state.meta.get('hostId') ?? '', this.#running.has(spec.id)).catch(
      (error: unknown) => {
        log.error({ err: toLongshoreError(error), schedule: spec.id }, 'a schedule cannot be read');
      },
    );
    if (!planned) return Infinity;
    const due = decideDue(planned, cursor, clock.now());
    if (due.run) this.#decide(spec, due.run, due.cursor);
    else if (due.cursor !== cursor && isFar(due.cursor, cursor)) {
      state.transact(() => state.schedules.setCursor(spec.id, due.cursor));
    }
    return due.nextAt ?? Infinity;
  }

  #decide(spec: ScheduleSpec, due: NonNullable<Due['run']>, cursor: number): void {
    const { state, clock } = this.#deps;
    const run = newRun(state, spec, { ...due, id: newId('run', due.dueAt) }, clock.now());
    state.transact(() => {
      state.schedules.setCursor(spec.id, cursor);
      if (run) writeRun(state, run);
    });
    if (run?.state === 'running') this.#carry(run);
  }

  #beginAsked(asked: ScheduleRun): void {
    const { state, clock } = this.#deps;
    const spec = state.schedules.find(asked.scheduleId)?.spec;
    const isRunning = this.#running.has(asked.scheduleId);
    const run = askedRun(state, spec, { asked, isRunning }, clock.now());
    state.transact(() => writeRun(state, run));
    if (run.state === 'running') this.#carry(run);
  }

  #carry(run: ScheduleRun): void {
    const { state, clock } = this.#deps;
    const spec = state.schedules.find(run.scheduleId)?.spec;
    if (!spec) {
      const end = { state: 'failed' as const, reason: 'the schedule was removed', finishedAt: clock.now() };
      return state.transact(() => writeRun(state, { ...run, ...end }));
    }
    this.#running.add(spec.id);
    this.#scope.run(`run ${run.id}`, (signal) =>
      new Run(this.#deps, spec, run, signal).carry().finally(() => this.#running.delete(spec.id)),
    );
  }
}

/** Nothing was due: a crash would only look at the same stretch again. */
const isFar = (a: number, b: number): boolean => Math.abs(a - b) > 3600_000;

/** Most agents have no schedule: what reads cron lines is loaded at the first. */
async function plan(spec: ScheduleSpec, hostId: string, isRunning: boolean) {
  const { parseCron } = await import('#shared/schedule/cron.ts');
  const { nextRunOf } = await import('#shared/schedule/next-run.ts');
  const cron = parseCron(spec.cron);
  return {
    next: (after: number) => nextRunOf(cron, spec.timeZone, after),
    catchUp: spec.catchUp,
    jitterMs: jitterOf(spec, hostId),
    isRunning,
  };
}

export function startSchedules(deps: ScheduleDeps, scope: Scope): Schedules {
  const schedules = new Schedules(deps, scope);
  schedules.start();
  return schedules;
}
