// One connection to Docker for everybody: loads the library at the first call, gives each call its deadline and makes
// faults of ours from what fails. An agent that is asked nothing does not pay the library's 15 MB.
//
// A deadline holds whatever the library does: it never tells who waits that Docker hung up in the middle of an answer.
import type Dockerode from 'dockerode';
import { LongshoreError } from '#shared/errors.ts';
import { systemClock, toRfc3339, type Clock } from '#shared/time.ts';
import { abortable } from './abortable.ts';
import { asFault, ifStatus, isQueueFull } from './api-faults.ts';
import { Breaker } from './breaker.ts';
import { ENGINE_DEADLINES } from './engine.ts';

/** A timer that fires late is none of Docker's faults. */
const OVERDUE_AFTER_MS = 10_000;

export interface DockerClientOptions {
  socketPath: string;
  clock?: Clock;
}

type Work<T> = (docker: Dockerode, signal: AbortSignal) => Promise<T>;

export class DockerClient {
  readonly breaker: Breaker;
  readonly #socketPath: string;
  readonly #clock: Clock;
  /** When each call under way has to be over, in time that passes. */
  readonly #ends = new Set<{ dueAt: number }>();
  #client: Promise<Dockerode> | undefined;

  constructor({ socketPath, clock = systemClock }: DockerClientOptions) {
    this.#socketPath = socketPath;
    this.#clock = clock;
    this.breaker = new Breaker({ ask: (limitMs) => this.#ask(limitMs), clock });
  }

  /** Calls that should have been over for a while: one would be a fault of this process, not of Docker's. */
  get overdueCalls(): number {
    const now = this.#clock.elapsed();
    return [...this.#ends].filter(({ dueAt }) => now > dueAt + OVERDUE_AFTER_MS).length;
  }

  /** A call that changes something: 304 says that it is so already. */
  async change(action: string, graceMs: number, work: Work<unknown>): Promise<void> {
    await this.call(action, ENGINE_DEADLINES.change + graceMs, work).catch(ifStatus(304));
  }

  /** Throws `docker_unavailable` at the deadline, and at once while Docker is silent; on a cancel its reason. */
  async call<T>(action: string, deadlineMs: number, work: Work<T>, cancel?: AbortSignal): Promise<T> {
    this.#requireAnswers(action);
    try {
      return await this.#within(deadlineMs, work, cancel);
    } catch (error) {
      if (cancel?.aborted) throw cancel.reason;
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      if (isLate || isQueueFull(error)) this.breaker.doubt();
      throw asFault(action, error, isLate);
    }
  }

  /** For what stays open: the deadline holds until it is. `work` gets a signal that also ends it afterwards. */
  async open<T>(action: string, work: Work<T>, signal: AbortSignal): Promise<T> {
    const late = new AbortController();
    return this.call(
      action,
      ENGINE_DEADLINES.list,
      (docker, deadline) => {
        const giveUp = () => late.abort(deadline.reason);
        deadline.addEventListener('abort', giveUp, { once: true });
        const opened = work(docker, AbortSignal.any([signal, late.signal]));
        return opened.finally(() => deadline.removeEventListener('abort', giveUp));
      },
      signal,
    );
  }

  #requireAnswers(action: string): void {
    const { openSince } = this.breaker;
    if (openSince === null) return;
    const details = `${action}: Docker has not answered since ${toRfc3339(openSince)}`;
    throw new LongshoreError('docker_unavailable', { details });
  }

  /** Rejects with the deadline's TimeoutError, or with the reason of a cancel, also when the work does not heed them. */
  async #within<T>(deadlineMs: number, work: Work<T>, cancel?: AbortSignal): Promise<T> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = cancel ? AbortSignal.any([deadline, cancel]) : deadline;
    const end = { dueAt: this.#clock.elapsed() + deadlineMs };
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason as Error);
    this.#ends.add(end);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([given, this.#docker().then((docker) => work(docker, signal))]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#ends.delete(end);
    }
  }

  async #ask(limitMs: number): Promise<boolean> {
    const answer = this.#within(limitMs, (docker, abortSignal) => abortable(docker).ping({ abortSignal }));
    return answer.then(
      () => true,
      (error: unknown) => !(error instanceof DOMException) && !isQueueFull(error),
    );
  }

  /** `host: undefined`: the library would otherwise let DOCKER_HOST of our environment win over the socket. */
  #docker(): Promise<Dockerode> {
    this.#client ??= import('dockerode').then(({ default: Docker }) => {
      return new Docker({ socketPath: this.#socketPath, host: undefined, protocol: 'http' });
    });
    return this.#client;
  }
}
