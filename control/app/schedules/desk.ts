// Schedules as callers see them. A schedule does nothing that whoever made it could not do.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import { parseCron } from '#shared/schedule/cron.ts';
import { nextRunOf } from '#shared/schedule/next-run.ts';
import { isHostKind, type ScheduleKind } from '#shared/schedule/schedule.ts';
import type { Clock } from '#shared/time.ts';
import { isTimeZone } from '#shared/zoned-time.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { ScheduleRecord, ScheduleRunRecord } from '../../store/schedules.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { isBoundWithin, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type { NewSchedule, Schedule, ScheduleChanges, Schedules } from '../api/schedules.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import { holds, type ExactPermission } from '../access/permissions.ts';
import { requireNoSet } from '../sets/member-guard.ts';
import { hostsOf, namedIn, nextRevision, spreadSchedule, withdrawSchedule } from './spread.ts';

/** Of one customer, or of the operator: each is looked at twice a minute on its hosts. */
export const MAX_SCHEDULES = 1_000;
const OFFLINE_RETRY_S = 15;

export interface ScheduleDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  links: Pick<HostLinks, 'isConnected' | 'nudge'>;
  clock: Clock;
}

/** What a caller needs to do by hand what a schedule does. */
const NEEDED: Record<ScheduleKind, ExactPermission> = {
  restart: 'services.update',
  start: 'services.update',
  stop: 'services.update',
  redeploy: 'services.update',
  update: 'services.update',
  backup: 'backups.create',
  drill: 'backups.restore',
  exec: 'services.exec',
  cleanup: 'hosts.update',
  statistics: 'hosts.read',
};

export class ScheduleDesk implements Schedules {
  readonly #deps: ScheduleDeskDeps;

  constructor(deps: ScheduleDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: Parameters<Schedules['list']>[1]): Page<Schedule> {
    const { items, total } = this.#deps.stores.schedules.list({ ...query, boundTo: caller });
    return { items: items.map((it) => this.#toSchedule(it)), total, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): Schedule {
    return this.#toSchedule(this.#require(caller, id));
  }

  create(caller: Caller, input: NewSchedule): Promise<Schedule> {
    const { effects, clock } = this.#deps;
    return effects.perform(() => {
      const now = clock.now();
      const times = { revision: now, createdAt: now, updatedAt: now };
      return (tx) => {
        const owner = this.#ownerOf(caller, input);
        const { description = null } = input;
        const fixed = { ...times, ...owner, description, hostLabels: caller.hostLabels };
        const schedule = { ...input, ...fixed, id: newId('sch', now) };
        this.#check(caller, schedule);
        this.#requireRoom(schedule);
        return this.#put(tx, schedule);
      };
    });
  }

  change(caller: Caller, id: string, changes: ScheduleChanges): Promise<Schedule> {
    const { effects, clock } = this.#deps;
    return effects.perform(() => (tx) => {
      const known = this.#require(caller, id);
      requireAllowed(caller, known.kind);
      const now = clock.now();
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      const { exec, ...kept } = known;
      const program = (changes.kind ?? known.kind) === known.kind && exec ? { exec } : {};
      const changed = { ...kept, ...program, ...given, revision: nextRevision(known, now), updatedAt: now };
      const owner = changes.targets || changes.kind ? this.#ownerOf(caller, changed, known) : {};
      const next = { ...changed, ...owner };
      this.#check(caller, next);
      return this.#put(tx, next);
    });
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const { effects, stores } = this.#deps;
    await effects.perform(() => (tx) => {
      this.#nudge(tx, withdrawSchedule(stores, this.#require(caller, id)));
      return { id };
    });
  }

  async run(caller: Caller, id: string): Promise<ScheduleRunRecord[]> {
    const { effects, stores, links, clock } = this.#deps;
    const { runs } = await effects.perform(() => (tx) => {
      const schedule = this.#require(caller, id);
      this.#check(caller, schedule);
      const hosts = hostsOf(stores, schedule).filter((hostId) => links.isConnected(hostId));
      if (hosts.length === 0) throw offline(schedule);
      const now = clock.now();
      const asked = hosts.map((hostId) => askedRun(schedule, hostId, now));
      for (const { hostId, ...run } of asked) {
        stores.schedules.putRun({ ...run, hostId });
        const command = { kind: 'schedule.run', scheduleId: id, runId: run.id, at: run.dueAt } as const;
        stores.commands.append(hostId, command);
      }
      this.#nudge(tx, hosts);
      return { id, runs: asked };
    });
    return runs;
  }

  runs(caller: Caller, id: string, query: Parameters<Schedules['runs']>[2]): Page<ScheduleRunRecord> {
    this.#require(caller, id);
    const { items, total } = this.#deps.stores.schedules.runs({ ...query, scheduleId: id });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  requireRun(caller: Caller, id: string, runId: string): ScheduleRunRecord {
    this.#require(caller, id);
    const run = this.#deps.stores.schedules.findRun(runId);
    if (run?.scheduleId !== id) throw missing('run', runId);
    return run;
  }

  #require(caller: Caller, id: string): ScheduleRecord {
    const schedule = this.#deps.stores.schedules.find(id);
    if (schedule && isBoundWithin(caller, schedule)) return schedule;
    throw missing('schedule', id);
  }

  /**
   * One for services belongs to whom they belong to, where that is one. What is for all that a customer has stays so,
   * whoever changes it; what is about a host tells of everybody, and is no customer's.
   */
  #ownerOf(
    caller: Caller,
    { targets, kind }: Pick<NewSchedule, 'targets' | 'kind'>,
    known?: ScheduleRecord,
  ): { customerId: string | null } {
    const services = this.#requireNamed(caller, targets);
    if (isHostKind(kind)) return { customerId: caller.customerId };
    if (!services) return { customerId: known && !namedIn(known.targets) ? known.customerId : caller.customerId };
    if (kind === 'redeploy' || kind === 'update') services.forEach((service) => requireNoSet(service, 'redeployed'));
    const [first = null, ...others] = new Set(services.map(({ customerId }) => customerId));
    return { customerId: others.length === 0 ? first : caller.customerId };
  }

  #requireNamed(caller: Caller, targets: NewSchedule['targets']): ServiceRecord[] | undefined {
    return namedIn(targets)?.map((id) => this.#deps.access.requireService(caller, id));
  }

  #check(caller: Caller, schedule: ScheduleRecord): void {
    const { access, clock } = this.#deps;
    const { kind, exec, cron, timeZone, targets } = schedule;
    requireAllowed(caller, kind);
    this.#requireNamed(caller, targets); // others may have named them since
    if (isHostKind(kind)) access.requireHostOperator(caller);
    if ((kind === 'exec') !== (exec !== undefined)) throw misplacedCommand(kind);
    if (!isTimeZone(timeZone)) throw invalid('timezone', 'is no IANA time zone');
    if (nextRunOf(parseCron(cron), timeZone, clock.now()) === null) throw invalid('cron', 'never comes');
  }

  #requireRoom({ customerId }: ScheduleRecord): void {
    if (this.#deps.stores.schedules.countOf(customerId) < MAX_SCHEDULES) return;
    const message = `There are ${MAX_SCHEDULES} schedules, which is the limit`;
    throw new LongshoreError('state_conflict', { message });
  }

  #put(tx: WriteContext, schedule: ScheduleRecord): Schedule {
    const { stores } = this.#deps;
    stores.schedules.put(schedule);
    this.#nudge(tx, spreadSchedule(stores, schedule));
    return this.#toSchedule(schedule);
  }

  #nudge(tx: WriteContext, hosts: readonly string[]): void {
    tx.afterCommit(() => hosts.forEach((hostId) => this.#deps.links.nudge(hostId)));
  }

  #toSchedule(schedule: ScheduleRecord): Schedule {
    const { stores, clock } = this.#deps;
    const { cron, timeZone, isEnabled } = schedule;
    const last = stores.schedules.lastRun(schedule.id);
    return {
      ...schedule,
      nextRun: isEnabled ? nextRunOf(parseCron(cron), timeZone, clock.now()) : null,
      lastRun: last ? { at: last.startedAt ?? last.dueAt, state: last.state } : null,
    };
  }
}

const askedRun = ({ id: scheduleId }: ScheduleRecord, hostId: string, now: number): ScheduleRunRecord => ({
  id: newId('run', now),
  scheduleId,
  hostId,
  trigger: 'manual',
  state: 'pending',
  reason: null,
  missed: 0,
  dueAt: now,
  startedAt: null,
  finishedAt: null,
  targets: [],
});

function requireAllowed(caller: Caller, kind: ScheduleKind): void {
  const needed = NEEDED[kind];
  if (holds(caller.permissions, needed)) return;
  throw new LongshoreError('forbidden', {
    message: `A schedule does no more than whoever sets it up may do`,
    details: `Needs ${needed}`,
  });
}

const invalid = (field: string, problem: string) =>
  new LongshoreError('invalid_schedule', { fields: { [field]: problem } });

const misplacedCommand = (kind: ScheduleKind) =>
  invalid(
    'command',
    kind === 'exec' ? 'is needed: the program and its arguments' : `is for exec only, this is ${kind}`,
  );

const offline = ({ name }: ScheduleRecord) =>
  new LongshoreError('host_offline', {
    message: `No host that schedule "${name}" is meant for is connected`,
    retryAfter: OFFLINE_RETRY_S,
  });
