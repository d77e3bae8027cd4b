// Keeps control's picture of each service true. Docker's events are hints to look; the list is what counts. A report is
// put in the outbox only when it says something new.
//
// While a job works on a service its containers come and go on purpose: looks wait, and the job's end brings a report.
import { LongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { isDeployKind, type JobKind } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { Container, Engine } from './docker/engine.ts';
import type { EventHub } from './docker/events.ts';
import { isSettling } from './deploy/observe.ts';
import { healthChangeOf, isSameReport, reportOf } from './report.ts';
import type { AgentState } from './state/open.ts';
import type { ServiceRecord } from './state/services.ts';

/** A burst of events (a stop makes four) is one look. */
const SETTLE_MS = 100;
/** A container without a health check counts as healthy only after a moment; nothing tells when it has passed. */
const LOOK_AGAIN_MS = 1_000;
/** In case Docker's stream loses something without breaking. */
const SWEEP_MS = 60_000;

export interface WatchDeps {
  state: AgentState;
  engine: Pick<Engine, 'listProject' | 'listAll'>;
  hub: Pick<EventHub, 'subscribe'>;
  clock: Clock;
  log: Logger;
  /** Service id → kind of the job that works on it now. */
  underWay: ReadonlyMap<string, JobKind>;
  /** A tombstone took the service away. */
  onForgotten?: (serviceId: string) => void;
}

/** What a list showed, and when it was asked for: a later list must not be overwritten by an earlier one. */
export interface Sighting {
  ticket: number;
  containers: Container[];
}

/** Hears of each look before it is told. Returns the service as it is known then. */
export type Judge = (record: ServiceRecord, containers: readonly Container[]) => ServiceRecord;

export class ServiceWatch {
  readonly #deps: WatchDeps;
  readonly #timers = new Map<string, () => void>();
  readonly #noted = new Map<string, number>();
  #judge: Judge = (record) => record;
  #tickets = 0;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  onLook(judge: Judge): void {
    this.#judge = judge;
  }

  /** What Docker shows of a project now. */
  async look(project: string): Promise<Sighting> {
    const ticket = ++this.#tickets;
    return { ticket, containers: await this.#deps.engine.listProject(project) };
  }

  /** Straight from Docker's list, for control's question. Throws `not_found`, `docker_unavailable`. */
  async observe(serviceId: string): Promise<ServiceReport> {
    const record = this.#require(serviceId);
    const { containers } = await this.look(record.spec.name);
    return this.#report(record, containers);
  }

  /**
   * Notes a report as the latest and tells a change of health. Returns false when a later look was noted already.
   * Inside the caller's transaction; telling the report itself is the caller's.
   */
  note(record: ServiceRecord, report: ServiceReport, ticket: number): boolean {
    const { state } = this.#deps;
    if (ticket < (this.#noted.get(report.serviceId) ?? 0)) return false;
    this.#noted.set(report.serviceId, ticket);
    state.services.setReport(report);
    const change = healthChangeOf(record.report, report);
    const { serviceId, at } = report;
    if (change) state.outbox.append({ kind: 'service.event', serviceId, type: 'health', ...change, at });
    return true;
  }

  /** Looks at a service soon; calls until then are the same look. */
  touch(serviceId: string, delayMs: number = SETTLE_MS): void {
    if (this.#timers.has(serviceId)) return;
    const cancel = this.#deps.clock.after(delayMs, () => {
      this.#timers.delete(serviceId);
      this.#check(serviceId).catch((error: unknown) => {
        // Docker is away: its return brings a resync, and with it the next look.
        this.#deps.log.debug({ err: error, serviceId }, 'could not look at a service');
      });
    });
    this.#timers.set(serviceId, cancel);
  }

  touchAll(): void {
    for (const id of this.#deps.state.services.ids()) this.touch(id);
  }

  /** One plain list for all services; only those that differ from what was last reported are looked at closely. */
  async sweep(): Promise<void> {
    const { state, engine } = this.#deps;
    const byProject = Map.groupBy(await engine.listAll(), ({ project }) => project);
    for (const id of state.services.ids()) {
      const record = state.services.find(id);
      if (!record) continue;
      const isAsReported =
        record.report && traceOf(record.report.containers) === traceOf(byProject.get(record.spec.name));
      if (!isAsReported || record.forgetRevision !== null) this.touch(id);
    }
  }

  touchProject(project: string): void {
    for (const id of this.#deps.state.services.idsWithName(project)) this.touch(id);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async #check(serviceId: string): Promise<void> {
    const { state, underWay } = this.#deps;
    if (underWay.has(serviceId)) return;
    const name = state.services.find(serviceId)?.spec.name;
    if (name === undefined) return;
    const { ticket, containers } = await this.look(name);
    const known = state.services.find(serviceId);
    if (!known || underWay.has(serviceId)) return;
    if (this.#isGone(known, containers)) {
      state.services.remove(serviceId);
      return this.#deps.onForgotten?.(serviceId);
    }
    const record = this.#judge(known, containers);
    const report = this.#report(record, containers);
    if (containers.some((container) => isSettling(container, report.at))) this.touch(serviceId, LOOK_AGAIN_MS);
    if (isSameReport(record.report, report)) return;
    state.transact(() => {
      if (this.note(record, report, ticket)) state.outbox.append({ kind: 'service.report', report });
    });
  }

  /** A tombstone is honoured once nothing is left to lose: adopted containers run on as they did before. */
  #isGone({ forgetRevision, spec }: ServiceRecord, containers: Container[]): boolean {
    const hasOwn = containers.some(({ isAdopted }) => !isAdopted);
    return forgetRevision !== null && !hasOwn && !this.#deps.state.journal.hasOpen(spec.id);
  }

  #report(record: ServiceRecord, containers: Container[]): ServiceReport {
    const kind = this.#deps.underWay.get(record.spec.id);
    const isDeploying = kind !== undefined && isDeployKind(kind);
    return reportOf({ record, containers, isDeploying, nowMs: this.#deps.clock.now() });
  }

  #require(serviceId: string): ServiceRecord {
    const record = this.#deps.state.services.find(serviceId);
    if (record) return record;
    throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
  }
}

/** Which containers there are and in what state: what the plain list shows. */
const traceOf = (containers: readonly { id: string; state: string }[] = []): string =>
  containers
    .map(({ id, state }) => `${id} ${state}`)
    .toSorted()
    .join();

/** Watches every service of the host until the scope stops. */
export function startWatch(deps: WatchDeps, scope: Scope): ServiceWatch {
  const watch = new ServiceWatch(deps);
  const unsubscribe = deps.hub.subscribe('*', (signal) => {
    if (signal.kind === 'resync') watch.touchAll();
    else if (signal.event.project) watch.touchProject(signal.event.project);
  });
  let cancelSweep: (() => void) | undefined;
  const sweep = () => {
    cancelSweep = deps.clock.after(SWEEP_MS, sweep);
    watch.sweep().catch((error: unknown) => deps.log.debug({ err: error }, 'could not look at all services'));
  };
  watch.touchAll();
  cancelSweep = deps.clock.after(SWEEP_MS, sweep);
  scope.onStop('watch', () => {
    cancelSweep?.();
    unsubscribe();
    watch.stop();
  });
  return watch;
}
