// Asks one container over and over, from when it is seen to run until it is let go; one question at a time.
import { isDeepStrictEqual } from 'node:util';
import { sleep } from '#shared/time.ts';
import type { Container } from '../docker/engine.ts';
import type { HealthCheck } from './health-check.ts';
import { runProbe, type ProbeDeps } from './run-probe.ts';
import type { Slots } from './slots.ts';
import { judge, pauseMs, type Standing } from './tracker.ts';

/** The first question, spread a little: after a start of the machine all containers are new. */
const FIRST_WITHIN_MS = 200;
/** So that containers that started together are not asked together for ever. */
const JITTER = 0.1;

export interface AttendDeps extends ProbeDeps {
  slots: Slots;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Without the secrets of its service, also one that the end cuts off. */
  mask: (output: string) => string;
  /** Its health is another now. */
  onChange: (container: Container) => void;
}

/** A container as it is probed. */
export interface Patient {
  container: Container;
  check: HealthCheck;
  address: string | null;
}

export class Attendant {
  readonly #deps: AttendDeps;
  readonly #stop = new AbortController();
  /** One for each question: what listens to a signal that lives for months would pile up. */
  #turn = new AbortController();
  /** Its age when we came, and when that was: wall clocks jump. */
  readonly #ageAtFirst: number;
  readonly #cameAt: number;
  readonly done: Promise<void>;
  #patient: Patient;
  #standing: Standing;

  constructor(patient: Patient, before: Standing, deps: AttendDeps) {
    const { clock } = deps;
    this.#patient = patient;
    this.#standing = before;
    this.#deps = deps;
    this.#ageAtFirst = Math.max(0, clock.now() - patient.container.startedAt);
    this.#cameAt = clock.elapsed();
    this.done = this.#attend(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  get standing(): Standing {
    return this.#standing;
  }

  get project(): string {
    return this.#patient.container.project;
  }

  /** Whether it is that very process, asked that very question. */
  attends({ container, check }: Pick<Patient, 'container' | 'check'>): boolean {
    return this.#patient.container.startedAt === container.startedAt && isDeepStrictEqual(this.#patient.check, check);
  }

  /** It may have moved to another address, or been paused. */
  heed(patient: Patient): void {
    this.#patient = patient;
  }

  stop(): void {
    this.#stop.abort();
    this.#turn.abort();
  }

  get #ageMs(): number {
    return this.#ageAtFirst + this.#deps.clock.elapsed() - this.#cameAt;
  }

  async #attend(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    await sleep(clock, FIRST_WITHIN_MS * random(), signal);
    for (;;) {
      if (this.#patient.container.state === 'running') await this.#takeTurn();
      const { intervalMs, thresholds } = this.#patient.check;
      const pause = pauseMs(this.#standing, this.#ageMs, intervalMs, thresholds);
      await sleep(clock, pause * (1 - JITTER + 2 * JITTER * random()), signal);
    }
  }

  #takeTurn(): Promise<void> {
    this.#turn = new AbortController();
    const { signal } = this.#turn;
    return this.#deps.slots.run(() => this.#ask(signal), signal);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { mask } = this.#deps;
    const { container, check, address } = this.#patient;
    const answer = await runProbe({ containerId: container.id, address }, check, signal, this.#deps);
    if (signal.aborted) return;
    const before = this.#standing.health;
    const shown = { ...answer, output: mask(answer.output) };
    this.#standing = judge(this.#standing, shown, this.#ageMs, check.thresholds);
    if (this.#standing.health !== before) this.#deps.onChange(this.#patient.container);
  }
}
