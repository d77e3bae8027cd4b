// Rollouts as they begin, go on and end, each inside a write of whoever asks. Each step is decided anew from what is on
// disk (rollout-plan.ts), and a member's turn is its row and its job in one write: a crash leaves a step done or not done.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import { isCurrent, type RolloutKind, type RolloutRecord, type SetRecord } from '../../store/set-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { JobCancels } from '../jobs/job-cancels.ts';
import type { JobWaiters } from '../jobs/job-waiters.ts';
import type { SetMembers } from './members.ts';
import { gatherFacts } from './rollout-facts.ts';
import { planRollout, type RolloutStep, type Verdict } from './rollout-plan.ts';

export interface RolloutDeps {
  stores: Stores;
  links: Pick<HostLinks, 'isConnected'>;
  members: SetMembers;
  cancels: JobCancels;
  /** Who waits for the end of a removal, by the id of the set. */
  waiters: JobWaiters;
  clock: Clock;
}

export interface RolloutOrder {
  kind: RolloutKind;
  pull: PullPolicy;
  madeBy: string | null;
  /** In the order in which their turns come. */
  hostIds: readonly string[];
}

export interface Begun {
  rolloutId: string;
  /** Of the first wave; null when nobody's turn could come yet. */
  first: { serviceId: string; jobId: string } | null;
}

export class Rollouts {
  readonly #deps: RolloutDeps;

  constructor(deps: RolloutDeps) {
    this.#deps = deps;
  }

  /** Takes the place of the one before. */
  prepare(tx: WriteContext, set: SetRecord, { hostIds, ...order }: RolloutOrder): RolloutRecord {
    const { stores, clock } = this.#deps;
    const before = stores.rollouts.findCurrent(set.id);
    if (before) this.end(tx, before, 'superseded');
    const now = clock.now();
    const rollout: RolloutRecord = {
      ...order,
      id: newId('rol', now),
      setId: set.id,
      setRevision: set.revision,
      state: 'running',
      haltedBy: null,
      createdAt: now,
      finishedAt: null,
    };
    stores.rollouts.insert(rollout);
    this.addHosts(rollout, hostIds);
    return rollout;
  }

  /** With its first wave. Throws what keeps that from being started: then nothing has begun. */
  begin(tx: WriteContext, set: SetRecord, order: RolloutOrder): Begun {
    // Whoever it is not for is a newcomer when it is wanted again.
    this.#deps.stores.sets.keepHosts(set.id, order.hostIds);
    const { id } = this.prepare(tx, set, order);
    const started = this.step(tx, id).map((hostId) => this.startOne(tx, id, hostId));
    return { rolloutId: id, first: started.find((one) => one !== null) ?? null };
  }

  /** Hosts that came since. */
  addHosts({ id, setId }: RolloutRecord, hostIds: readonly string[]): void {
    this.#deps.stores.rollouts.addTargets(id, hostIds);
    this.#deps.stores.sets.addHosts(setId, hostIds);
  }

  /** Notes what has come to pass and decides what is next. Returns the hosts whose turn it is. Safe to run twice. */
  step(tx: WriteContext, id: string): string[] {
    const { stores, links } = this.#deps;
    const rollout = stores.rollouts.find(id);
    const set = rollout && stores.sets.find(rollout.setId);
    if (!rollout || !set) return [];
    const { verdicts, step } = planRollout(gatherFacts(stores, links, set, rollout));
    for (const verdict of verdicts) this.#note(rollout, verdict);
    return this.#take(tx, set, rollout, step);
  }

  /** Null when its turn is over already. */
  startOne(tx: WriteContext, id: string, hostId: string): Begun['first'] {
    const { stores, members } = this.#deps;
    const rollout = stores.rollouts.find(id);
    const set = rollout && stores.sets.find(rollout.setId);
    const target = stores.rollouts.findTarget(id, hostId);
    if (!set || rollout?.state !== 'running' || target?.state !== 'pending' || target.wave === null) return null;
    const started = members.start(tx, set, rollout, hostId);
    if (started) stores.rollouts.setStarted(target, started);
    else stores.rollouts.judge(id, { hostId, state: 'succeeded', reason: null });
    return started;
  }

  /** What kept its turn from being taken. */
  fail(id: string, hostId: string, reason: string): void {
    const { rollouts } = this.#deps.stores;
    if (rollouts.findTarget(id, hostId)?.state === 'pending') rollouts.judge(id, { hostId, state: 'failed', reason });
  }

  resume(tx: WriteContext, { id, state }: RolloutRecord): void {
    const { stores } = this.#deps;
    if (state !== 'halted') throw notNow(id, state, 'resumed');
    stores.rollouts.retryFailed(id);
    stores.rollouts.setState(id, 'running');
    const [first] = this.step(tx, id); // what keeps it from being started is the answer; the rest of a wave follows
    if (first !== undefined) this.startOne(tx, id, first);
  }

  /** Jobs under way are let finish; one that no host has heard of is called off. */
  end(tx: WriteContext, { id, setId, state }: RolloutRecord, as: 'cancelled' | 'superseded'): void {
    const { stores, cancels, waiters, clock } = this.#deps;
    if (!isCurrent(state)) throw notNow(id, state, as);
    stores.rollouts.setState(id, as, { at: clock.now() });
    stores.rollouts.skipPending(id, `The rollout was ${as}`);
    for (const { state: at, jobId } of stores.rollouts.targets(id)) {
      const job = at === 'running' && jobId !== null ? stores.jobs.find(jobId) : undefined;
      if (job?.state === 'queued') cancels.cancel(tx, job, 'superseded');
    }
    tx.afterCommit(() => waiters.settle(setId));
  }

  #note({ id, kind, setId, setRevision, state }: RolloutRecord, verdict: Verdict): void {
    const { stores } = this.#deps;
    stores.rollouts.judge(id, verdict);
    if (verdict.state === 'skipped' && isCurrent(state)) stores.sets.removeHost(setId, verdict.hostId); // until it is back
    const { serviceId } = stores.rollouts.findTarget(id, verdict.hostId) ?? {};
    if (verdict.state !== 'succeeded' || kind === 'remove' || !serviceId) return;
    stores.services.setSetRevision(serviceId, setRevision);
  }

  #take(tx: WriteContext, set: SetRecord, rollout: RolloutRecord, step: RolloutStep): string[] {
    if (step.do === 'halt') this.#halt(tx, set, rollout, step);
    if (step.do === 'finish') this.#finish(tx, set, rollout);
    if (step.do !== 'start') return [];
    this.#deps.stores.rollouts.openWave(rollout.id, step.wave, step.hostIds);
    return step.hostIds;
  }

  #halt(
    tx: WriteContext,
    set: SetRecord,
    { id }: RolloutRecord,
    { hostId, reason }: Extract<RolloutStep, { do: 'halt' }>,
  ) {
    const { stores, waiters } = this.#deps;
    stores.rollouts.setState(id, 'halted', { haltedBy: hostId });
    this.#tell(id, hostId, 'halted', `The rollout of set "${set.name}" halted here: ${reason}`);
    tx.afterCommit(() => waiters.settle(set.id));
  }

  #finish(tx: WriteContext, set: SetRecord, { id, kind }: RolloutRecord): void {
    const { stores, waiters, clock } = this.#deps;
    stores.rollouts.setState(id, 'succeeded', { at: clock.now() });
    if (kind === 'remove' && stores.services.ofSet(set.id).length === 0) stores.sets.remove(set.id);
    if (kind === 'remove') return tx.afterCommit(() => waiters.settle(set.id));
    const targets = stores.rollouts.targets(id);
    const done = targets.filter(({ state }) => state === 'succeeded');
    const last = done.at(-1);
    if (!last) return;
    const share = `${done.length} of ${targets.length}`; // who was revoked meanwhile is not in
    this.#tell(id, last.hostId, 'succeeded', `Set "${set.name}" is rolled out: ${share}`);
  }

  /** In the timeline of the member it is about. */
  #tell(id: string, hostId: string, status: 'halted' | 'succeeded', message: string): void {
    const { stores, clock } = this.#deps;
    const serviceId = stores.rollouts.findTarget(id, hostId)?.serviceId ?? null;
    stores.events.insert({ serviceId, hostId, type: 'rollout', status, message, at: clock.now() });
  }
}

const notNow = (id: string, state: string, what: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Rollout "${id}" is ${state}: it cannot be ${what}` });
