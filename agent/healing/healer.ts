// Restarts what has failed, as policy.ts decides. Fed by each look of the watch: a list is the truth, so a timer that
// was lost with the process is set again by the first look of the next one.
//
// What is done is on disk before it is done: a crash may cost a restart, never hide one. It is done in the queue of the
// service's jobs, and not at all once a job waits there.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { ContainerEnd } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { Container, Engine, EngineEvent } from '../docker/engine.ts';
import { redactorOf } from '../jobs/redact.ts';
import type { JobRunner } from '../jobs/runner.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceRecord } from '../state/services.ts';
import { describeFaults, type Fault } from './faults.ts';
import type { HealingLimits } from './limits.ts';
import { isOwn, isUntoldOom } from './looks.ts';
import { decideHealing, noteGivenUp, noteRestart, type Act, type Decision } from './policy.ts';
import { knownOf, NEW_RECORD, withCounts, withKnown, type HealingRecord } from './record.ts';

/** What a person needs to see why it ended. */
const LAST_LINES = 50;
const LINE_CHARS = 1_000;
const MESSAGE_CHARS = 4_000;
/** After Docker has refused what was asked of it. */
const RETRY_MS = 5_000;
/** A program that starts another one over and over, which is killed each time, is one line a minute. */
const OOM_QUIET_MS = 60_000;

export interface HealerDeps {
  state: Pick<AgentState, 'services' | 'journal' | 'outbox' | 'transact'>;
  engine: Pick<Engine, 'listProject' | 'restartContainer' | 'stopContainer' | 'tailLogs'>;
  runner: Pick<JobRunner, 'between'>;
  /** Has the watch look at a service. */
  touch: (serviceId: string) => void;
  /** How long a container may take to stop; undefined is Docker's default. */
  graceOf: (project: string, composeService: string) => Promise<number | undefined>;
  limits: HealingLimits;
  clock: Clock;
  log: Logger;
}

export class Healer {
  /** False until it is known whether what is down fell with Docker (revival.ts). */
  isSettled = false;
  readonly #deps: HealerDeps;
  readonly #scope: Scope;
  readonly #timers = new Map<string, () => void>();
  readonly #acting = new Set<string>();
  /** Until when nothing is done about a service, because Docker has refused it. */
  readonly #quiet = new Map<string, number>();

  constructor(deps: HealerDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
    scope.onStop('healing', () => this.#timers.forEach((cancel) => cancel()));
  }

  /** Takes in what a list shows. Returns the service with what is remembered of it now, so that a report tells it. */
  see(service: ServiceRecord, listed: readonly Container[]): ServiceRecord {
    const { id } = service.spec;
    const containers = listed.filter((one) => isOwn(one, id));
    this.#timers.get(id)?.();
    const known = this.#tellOom(id, service.healing ?? NEW_RECORD, containers);
    if (!this.#isMine(service)) return this.#keep(service, withCounts(known, containers));
    const { record, act, dockerRestarts } = this.#decide(known, containers);
    if (act.kind !== 'wait') {
      this.#begin(id); // which looks again, and remembers what it does then
      return service;
    }
    if (act.until !== null) this.#lookAgain(id, act.until);
    return this.#keep(service, record, dockerRestarts);
  }

  /** Docker says who stopped a container and what ran out of memory; a list of a moment later does not. */
  hear({ action, project, containerId, service, at }: EngineEvent): void {
    if (project === '' || (action !== 'stop' && action !== 'oom')) return;
    for (const id of this.#deps.state.services.idsWithName(project)) {
      if (action === 'stop') this.#noteStop(id, containerId, at);
      else this.#noteOom(id, containerId, { name: service, at });
    }
  }

  #decide(record: HealingRecord, containers: readonly Container[]): Decision {
    const { clock, limits } = this.#deps;
    return decideHealing({ record, containers, now: clock.now(), limits });
  }

  #isMine({ spec, desired, isEnabled, goodRevision, forgetRevision }: ServiceRecord): boolean {
    if (!this.isSettled || this.#deps.state.journal.hasOpen(spec.id)) return false;
    return isEnabled && desired === 'running' && goodRevision !== null && forgetRevision === null;
  }

  /** Writes what is remembered, if it is anything new. */
  #keep(service: ServiceRecord, healing: HealingRecord, dockerRestarts: readonly Fault[] = []): ServiceRecord {
    const { state } = this.#deps;
    const { id } = service.spec;
    if (JSON.stringify(healing) !== JSON.stringify(service.healing)) {
      state.transact(() => {
        state.services.setHealing(id, healing);
        if (dockerRestarts.length > 0)
          this.#tell(id, 'restarted', `${describeFaults(dockerRestarts)}: restarted by Docker`);
      });
    }
    return { ...service, healing };
  }

  #lookAgain(id: string, at: number): void {
    const { clock, touch } = this.#deps;
    this.#timers.set(
      id,
      clock.after(at - clock.now(), () => touch(id)),
    );
  }

  #begin(id: string): void {
    const { runner, log, state, clock } = this.#deps;
    const quietUntil = this.#quiet.get(id) ?? -Infinity;
    if (quietUntil > clock.elapsed()) return this.#lookAgain(id, clock.now() + RETRY_MS);
    if (this.#acting.has(id)) return;
    const project = state.services.find(id)?.spec.name;
    if (project === undefined) return;
    this.#acting.add(id);
    this.#scope.run(`healing of ${id}`, async (signal) => {
      try {
        await runner.between({ serviceId: id, project }, () => this.#act(id, signal));
      } catch (error) {
        this.#quiet.set(id, clock.elapsed() + RETRY_MS);
        log.warn({ err: toLongshoreError(error), serviceId: id }, 'could not heal a service');
      } finally {
        this.#acting.delete(id);
      }
    });
  }

  /** Looks again first: what was decided is older than what waited in the queue. */
  async #act(id: string, signal: AbortSignal): Promise<void> {
    const { engine, state } = this.#deps;
    const project = state.services.find(id)?.spec.name;
    if (project === undefined) return;
    const containers = (await engine.listProject(project)).filter((one) => isOwn(one, id));
    const service = state.services.find(id);
    if (signal.aborted || !service || !this.#isMine(service)) return;
    const { record, act } = this.#decide(service.healing ?? NEW_RECORD, containers);
    this.#keep(service, record);
    if (act.kind === 'restart') await this.#restart(service, record, act.faults, signal);
    else if (act.kind === 'give_up') await this.#giveUp(service, record, act, signal);
    else if (act.kind === 'stop') await this.#stop(act.faults.map((fault) => fault.id));
  }

  async #restart({ spec }: ServiceRecord, record: HealingRecord, faults: Fault[], signal: AbortSignal): Promise<void> {
    const { engine, state, graceOf, clock, limits } = this.#deps;
    const next = noteRestart(record, clock.now(), limits);
    state.transact(() => {
      state.services.setHealing(spec.id, next);
      const nth = `restart ${next.tries.length} of ${limits.restarts}`;
      this.#tell(spec.id, 'restarted', `${describeFaults(faults)}: ${nth}`);
    });
    for (const { id, name, service } of faults) {
      const grace = await graceOf(spec.name, service);
      await engine.restartContainer(id, grace).catch((cause: unknown) => {
        if (signal.aborted) return;
        const { message, details } = toLongshoreError(cause);
        const why = details === undefined ? message : `${message}: ${details}`;
        state.transact(() => this.#tell(spec.id, 'restart_failed', `${name}: ${why}`));
      });
    }
  }

  async #giveUp(
    { spec }: ServiceRecord,
    record: HealingRecord,
    { reason, faults, stop }: Extract<Act, { kind: 'give_up' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { engine, state, clock } = this.#deps;
    const [blamed] = faults;
    if (!blamed) return;
    const lines = await engine.tailLogs(blamed.id, LAST_LINES).catch(() => []); // some log drivers cannot be read
    if (signal.aborted || state.journal.hasOpen(spec.id)) return;
    const redact = redactorOf(state.services.secretsOf(spec.id));
    const lastLines = lines.map((line) => redact(line).slice(0, LINE_CHARS));
    state.transact(() => {
      state.services.setHealing(spec.id, noteGivenUp(record, reason, faults, clock.now()));
      this.#tell(spec.id, 'gave_up', reason, { exitCode: blamed.exitCode, oomKilled: blamed.oomKilled, lastLines });
    });
    await this.#stop(stop);
  }

  /** Docker would start them again on and on, also after it was itself restarted. */
  async #stop(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#deps.engine.stopContainer(id);
  }

  /** A stop that a job makes is none by hand. */
  #noteStop(id: string, containerId: string, at: number): void {
    const { state, touch } = this.#deps;
    if (state.journal.hasOpen(id) || this.#acting.has(id)) return;
    const healing = state.services.find(id)?.healing;
    if (healing) state.services.setHealing(id, withKnown(healing, containerId, { stoppedAt: at }));
    touch(id);
  }

  #noteOom(id: string, containerId: string, { name, at }: { name: string; at: number }): void {
    const { state } = this.#deps;
    const healing = state.services.find(id)?.healing ?? NEW_RECORD;
    if (at - knownOf(healing, containerId).oomAt < OOM_QUIET_MS) return;
    state.transact(() => {
      state.services.setHealing(id, withKnown(healing, containerId, { oomAt: at }));
      this.#tellOomOf(id, name, null);
    });
  }

  /** Those that no event told of. */
  #tellOom(id: string, record: HealingRecord, containers: readonly Container[]): HealingRecord {
    let told = record;
    for (const container of containers.filter((one) => isUntoldOom(record, one))) {
      told = withKnown(told, container.id, { oomAt: Math.max(container.startedAt + 1, container.finishedAt) });
      const next = told;
      this.#deps.state.transact(() => {
        this.#deps.state.services.setHealing(id, next);
        this.#tellOomOf(id, container.service || container.name, container.exitCode);
      });
    }
    return told;
  }

  #tellOomOf(id: string, name: string, exitCode: number | null): void {
    const { clock } = this.#deps;
    const message = `A process of ${name} was killed: out of memory`;
    const end = { exitCode, oomKilled: true, lastLines: [] };
    const event = { serviceId: id, type: 'oom_killed', status: 'killed', message, end, at: clock.now() };
    this.#deps.state.outbox.append({ kind: 'service.event', ...event });
  }

  #tell(serviceId: string, status: string, text: string, end?: ContainerEnd): void {
    const { state, clock } = this.#deps;
    const redact = redactorOf(state.services.secretsOf(serviceId));
    const message = redact(text).slice(0, MESSAGE_CHARS);
    const event = { serviceId, type: 'heal', status, message, ...(end && { end }), at: clock.now() };
    state.outbox.append({ kind: 'service.event', ...event });
  }
}
