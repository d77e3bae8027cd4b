// Restarts what has failed, as policy.ts decides. Fed by each look of the watch: a list is the truth, so a timer that
// was lost with the process is set again by the first look of the next one.
//
// What is done is on disk before it is done: a crash may cost a restart, never hide one. It is done in the queue of the
// service's jobs, and not at all once a job waits there.
import { toLongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { Container, Engine, EngineEvent } from '../docker/engine.ts';
import type { JobRunner } from '../jobs/runner.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceRecord } from '../state/services.ts';
import { describeFaults, type Fault } from './faults.ts';
import type { HealingLimits } from './limits.ts';
import { isOwn, isUntoldOom } from './looks.ts';
import { decideHealing, noteGivenUp, noteRestart, reasonOf, type Decision, type Deed } from './policy.ts';
import { knownOf, NEW_RECORD, withCounts, withKnown, type HealingRecord } from './record.ts';
import { HealingEvents } from './told.ts';
import { Turns } from './turns.ts';

/** What a person needs to see why it ended. */
const LAST_LINES = 50;
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
  readonly #events: HealingEvents;
  readonly #turns: Turns;
  readonly #timers = new Map<string, () => void>();
  /** Services that are worked on, or wait for their turn. */
  readonly #acting = new Set<string>();
  /** When containers of a service were last touched here: a stop of that time is none by hand, however late it is told. */
  readonly #hands = new Map<string, { from: number; to: number }>();
  /** Until when nothing is done about a service, because Docker has refused it. */
  readonly #quiet = new Map<string, number>();

  constructor(deps: HealerDeps, scope: Scope) {
    this.#deps = deps;
    this.#scope = scope;
    this.#events = new HealingEvents(deps.state, deps.clock);
    this.#turns = new Turns(deps.clock, deps.limits);
    scope.onStop('healing', () => {
      this.#turns.release();
      this.#timers.forEach((cancel) => cancel());
    });
  }

  /** Takes in what a list shows. Returns the service with what is remembered of it now, so that a report tells it. */
  see(service: ServiceRecord, listed: readonly Container[]): ServiceRecord {
    const { id } = service.spec;
    const containers = listed.filter((one) => isOwn(one, id));
    this.#timers.get(id)?.();
    const known = this.#tellOom(id, service.healing ?? NEW_RECORD, containers);
    if (!this.#isMine(service)) return this.#keep(service, withCounts(known, containers));
    const decision = this.#decide(known, containers);
    if (decision.deeds.length > 0) {
      this.#begin(id); // which looks again, and remembers what it does then
      return service;
    }
    if (decision.until !== null) this.#lookAgain(id, decision.until);
    return this.#keep(service, decision.record, decision.dockerTries);
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

  /** As it is now, when it is healing's; undefined when a job came, or somebody's word. */
  #findMine(id: string): ServiceRecord | undefined {
    const service = this.#deps.state.services.find(id);
    return service && this.#isMine(service) ? service : undefined;
  }

  #isMine({ spec, desired, isEnabled, goodRevision, forgetRevision }: ServiceRecord): boolean {
    if (!this.isSettled || this.#deps.state.journal.hasOpen(spec.id)) return false;
    return isEnabled && desired === 'running' && goodRevision !== null && forgetRevision === null;
  }

  /** Writes what is remembered, if it is anything new. */
  #keep(service: ServiceRecord, healing: HealingRecord, dockerTries: readonly Fault[] = []): ServiceRecord {
    const { state } = this.#deps;
    const { id } = service.spec;
    if (JSON.stringify(healing) !== JSON.stringify(service.healing)) {
      state.transact(() => {
        state.services.setHealing(id, healing);
        if (dockerTries.length > 0)
          this.#events.heal(id, 'restarted', `${describeFaults(dockerTries)}: restarted by Docker`);
      });
    }
    return { ...service, healing };
  }

  #lookAgain(id: string, at: number): void {
    const { clock, touch } = this.#deps;
    const look = () => {
      this.#timers.delete(id);
      touch(id);
    };
    this.#timers.set(id, clock.after(at - clock.now(), look));
  }

  #begin(id: string): void {
    const { clock } = this.#deps;
    const quietUntil = this.#quiet.get(id) ?? -Infinity;
    if (quietUntil > clock.elapsed()) return this.#lookAgain(id, clock.now() + RETRY_MS);
    if (this.#acting.has(id)) return;
    this.#acting.add(id);
    this.#scope.run(`healing of ${id}`, (signal) => this.#turns.take(() => this.#heal(id, signal), signal));
  }

  async #heal(id: string, signal: AbortSignal): Promise<void> {
    const { runner, clock, log } = this.#deps;
    try {
      const project = this.#findMine(id)?.spec.name;
      if (project !== undefined) await runner.between({ serviceId: id, project }, () => this.#act(id, project, signal));
      this.#quiet.delete(id);
    } catch (error) {
      this.#quiet.set(id, clock.elapsed() + RETRY_MS);
      log.warn({ err: toLongshoreError(error), serviceId: id }, 'could not heal a service');
    } finally {
      this.#acting.delete(id);
    }
  }

  /** Looks again first: what was decided is older than what waited in the queue. */
  async #act(id: string, project: string, signal: AbortSignal): Promise<void> {
    const containers = (await this.#deps.engine.listProject(project)).filter((one) => isOwn(one, id));
    const service = this.#findMine(id);
    if (signal.aborted || !service) return;
    const { record, deeds, dockerTries } = this.#decide(service.healing ?? NEW_RECORD, containers);
    this.#keep(service, record, dockerTries);
    await this.#handle(id, async () => {
      for (const deed of deeds) if (!signal.aborted) await this.#do(id, deed, signal);
    });
  }

  async #handle(id: string, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#deps;
    const touched = { from: clock.now(), to: Infinity };
    this.#hands.set(id, touched);
    await work().finally(() => (touched.to = clock.now()));
  }

  #isByOwnHand(id: string, at: number): boolean {
    const { from, to } = this.#hands.get(id) ?? { from: Infinity, to: Infinity };
    return at >= from && at <= to;
  }

  /** Each on what is remembered then: somebody may have enabled it, or asked for a job, while the one before was done. */
  async #do(id: string, deed: Deed, signal: AbortSignal): Promise<void> {
    if (deed.kind === 'restart') await this.#restart(id, deed.fault, signal);
    else if (deed.kind === 'give_up') await this.#giveUp(id, deed, signal);
    else if (this.#findMine(id)) await this.#stop(deed.fault);
  }

  async #restart(id: string, fault: Fault, signal: AbortSignal): Promise<void> {
    const { engine, state, graceOf, clock, limits } = this.#deps;
    const project = this.#findMine(id)?.spec.name;
    if (project === undefined) return;
    const grace = await graceOf(project, fault.service);
    const service = this.#findMine(id);
    if (!service) return;
    const next = noteRestart(service.healing ?? NEW_RECORD, fault.id, clock.now(), limits);
    state.transact(() => {
      state.services.setHealing(id, next);
      const nth = `restart ${knownOf(next, fault.id).tries.length} of ${limits.restarts}`;
      this.#events.heal(id, 'restarted', `${describeFaults([fault])}: ${nth}`);
    });
    await engine.restartContainer(fault.id, grace).catch((cause: unknown) => {
      if (signal.aborted) return;
      const { message, details } = toLongshoreError(cause);
      const why = details === undefined ? message : `${message}: ${details}`;
      state.transact(() => this.#events.heal(id, 'restart_failed', `${fault.name}: ${why}`));
    });
  }

  async #giveUp(
    id: string,
    { fault, isLooping }: Extract<Deed, { kind: 'give_up' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { engine, state, clock, limits } = this.#deps;
    const lastLines = await engine.tailLogs(fault.id, LAST_LINES).catch(() => []); // some log drivers cannot be read
    const record = this.#findMine(id)?.healing;
    const isReset = !record || knownOf(record, fault.id).tries.length < limits.restarts;
    if (signal.aborted || isReset) return;
    const reason = reasonOf(fault, limits);
    const { exitCode, oomKilled } = fault;
    state.transact(() => {
      state.services.setHealing(id, noteGivenUp(record, fault.id, reason, clock.now()));
      this.#events.heal(id, 'gave_up', reason, { exitCode, oomKilled, lastLines });
    });
    if (isLooping) await this.#stop(fault);
  }

  /** Docker would start it again on and on, also after it was itself restarted. */
  #stop(fault: Fault): Promise<void> {
    return this.#deps.engine.stopContainer(fault.id);
  }

  /** A stop that a job or healing makes is none by hand. */
  #noteStop(id: string, containerId: string, at: number): void {
    const { state, touch } = this.#deps;
    if (state.journal.hasOpen(id) || this.#isByOwnHand(id, at)) return;
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
      this.#events.oom(id, name, null);
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
        this.#events.oom(id, container.service || container.name, container.exitCode);
      });
    }
    return told;
  }
}
