// Sets of services as callers see them.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import type { PullPolicy } from '#shared/jobs.ts';
import type { RolloutRecord, RolloutState, SetRecord } from '../../store/set-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Order, Page, Paging } from '../api/page.ts';
import type {
  Rollout,
  RolloutDetail,
  ServiceSet,
  ServiceSetDetail,
  ServiceSets,
  SetChange,
  SetQuery,
} from '../api/service-sets.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { throwFailure } from '../jobs/job-failure.ts';
import type { JobWaiters } from '../jobs/job-waiters.ts';
import { missing } from '../missing.ts';
import { showSource } from '../services/shown-source.ts';
import { redraft, requireRevision, settingsOf, type UpdateDeps } from '../services/update-service.ts';
import { toJob } from '../views.ts';
import { settingsOfSet } from './members.ts';
import type { RolloutRunner } from './rollout-runner.ts';
import type { Rollouts } from './rollouts.ts';
import { chooseHosts } from './set-hosts.ts';
import { showMembers, showRollout, showRolloutDetail, showSet } from './set-view.ts';

export interface SetDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  customerRules: CustomerRules;
  links: HostLinks;
  rollouts: Rollouts;
  runner: RolloutRunner;
  waiters: JobWaiters;
  update: UpdateDeps;
}

export class ServiceSetDesk implements ServiceSets {
  readonly #deps: SetDeskDeps;

  constructor(deps: SetDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: SetQuery): Page<ServiceSet> {
    const { stores, access } = this.#deps;
    const visible = { visibility: access.visibility(caller), boundTo: caller.hostLabels };
    const { items, total } = stores.sets.list({ ...query, ...visible });
    return { items: items.map((set) => showSet(stores, set)), total, page: query.page, perPage: query.perPage };
  }

  detail(caller: Caller, id: string): ServiceSetDetail {
    const { stores, access } = this.#deps;
    const set = access.requireSet(caller, id);
    const source = showSource(caller, stores.sets.requireSource(id));
    return { ...showSet(stores, set), ...source, memberList: showMembers(stores, set) };
  }

  async update(
    caller: Caller,
    id: string,
    change: SetChange,
  ): Promise<{ set: ServiceSetDetail; rolloutId: string | null }> {
    const { effects, runner } = this.#deps;
    const { rolloutId } = await effects.perform(() => this.#planUpdate(caller, id, change));
    runner.nudge();
    return { set: this.detail(caller, id), rolloutId };
  }

  async redeploy(
    caller: Caller,
    id: string,
    pull: PullPolicy = 'always',
  ): Promise<{ set: ServiceSet; rolloutId: string }> {
    const { stores, access, effects, runner } = this.#deps;
    const { rolloutId } = await effects.perform(() => (tx) => {
      const set = this.#requireStaying(caller, id);
      return { id, ...this.#begin(tx, caller, set, { kind: 'redeploy', pull }) };
    });
    runner.nudge();
    return { set: showSet(stores, access.requireSet(caller, id)), rolloutId };
  }

  /** After a push, by whoever signed it: no host of the set need be seen by them. */
  redeployPushed(tx: WriteContext, caller: Caller, id: string): string | null {
    return this.#begin(tx, caller, this.#requireStaying(caller, id), { kind: 'redeploy', pull: 'always' }).jobId;
  }

  async remove(caller: Caller, id: string, waitMs: number): Promise<{ rolloutId: string; isDone: boolean }> {
    const { stores, effects, runner, waiters } = this.#deps;
    const { rolloutId } = await effects.perform(() => (tx) => ({ id, rolloutId: this.#remove(tx, caller, id) }));
    runner.nudge();
    // A host that is away answers when it returns; nobody waits for that.
    if (waitMs > 0 && stores.sets.find(id) && this.#isReachable(id)) await waiters.wait(id, waitMs);
    this.#throwHalt(rolloutId);
    return { rolloutId, isDone: stores.sets.find(id) === undefined };
  }

  rollouts(
    caller: Caller,
    id: string,
    query: Paging & { state?: RolloutState | undefined; order?: Order },
  ): Page<Rollout> {
    const { stores, access } = this.#deps;
    access.requireSet(caller, id);
    const { items, total } = stores.rollouts.list({ ...query, setId: id });
    return { items: items.map((it) => showRollout(stores, it)), total, page: query.page, perPage: query.perPage };
  }

  rollout(caller: Caller, id: string, rolloutId: string): RolloutDetail {
    const { stores, links } = this.#deps;
    return showRolloutDetail(stores, links, this.#requireRollout(caller, id, rolloutId));
  }

  async resume(caller: Caller, id: string, rolloutId: string): Promise<RolloutDetail> {
    const { rollouts } = this.#deps;
    return this.#act(caller, id, rolloutId, (tx, rollout) => rollouts.resume(tx, rollout));
  }

  async cancel(caller: Caller, id: string, rolloutId: string): Promise<RolloutDetail> {
    const { rollouts } = this.#deps;
    return this.#act(caller, id, rolloutId, (tx, rollout) => rollouts.end(tx, rollout, 'cancelled'));
  }

  async #act(
    caller: Caller,
    id: string,
    rolloutId: string,
    act: (tx: WriteContext, rollout: RolloutRecord) => void,
  ): Promise<RolloutDetail> {
    const { effects, runner } = this.#deps;
    await effects.perform(() => (tx) => {
      act(tx, this.#requireRollout(caller, id, rolloutId));
      return { id };
    });
    runner.nudge();
    return this.rollout(caller, id, rolloutId);
  }

  /** Its source is checked and decided first; the set, its rollout and the first wave are one write. */
  #planUpdate(
    caller: Caller,
    id: string,
    change: SetChange,
  ): (tx: WriteContext) => { id: string; rolloutId: string | null } {
    const { stores, access, update, customerRules } = this.#deps;
    const seen = access.requireSet(caller, id);
    requireRevision(seen, change.revision, 'Set');
    const source = redraft(update, caller, seen, stores.sets.requireSource(id), change);
    return (tx) => {
      const set = this.#requireStaying(caller, id);
      requireRevision(set, seen.revision, 'Set'); // again: another change may have been faster
      customerRules.requireActive(set.customerId);
      const next = this.#changed(set, change);
      const needsDeploy = source !== null || !isDeepStrictEqual(next.limits, set.limits);
      const written = { ...next, revision: set.revision + Number(needsDeploy) };
      stores.sets.update(written, source);
      if (needsDeploy) return { id, ...this.#begin(tx, caller, written, { kind: 'change', pull: 'missing' }) };
      this.#spreadSettings(written);
      return { id, rolloutId: null };
    };
  }

  #changed(set: SetRecord, change: SetChange): SetRecord {
    const { cpu = set.limits.cpu, memoryMb = set.limits.memoryMb } = change.limits ?? {};
    return {
      ...set,
      ...settingsOf(set, change),
      limits: { cpu, memoryMb },
      maxParallel: change.maxParallel ?? set.maxParallel,
      updatedAt: this.#deps.update.clock.now(),
    };
  }

  /** What needs no deploy is told to all members at once. */
  #spreadSettings(set: SetRecord): void {
    const { stores } = this.#deps;
    for (const { id } of stores.services.ofSet(set.id)) {
      stores.services.setSettings(id, settingsOfSet(set), set.updatedAt);
    }
  }

  #begin(
    tx: WriteContext,
    caller: Caller,
    set: SetRecord,
    order: { kind: 'change' | 'redeploy'; pull: PullPolicy },
  ): { rolloutId: string; jobId: string | null } {
    const { stores, links, rollouts, customerRules } = this.#deps;
    customerRules.requireActive(set.customerId);
    const hostIds = chooseHosts(stores, links, set).map((host) => host.id);
    const { rolloutId, first } = rollouts.begin(tx, set, { ...order, madeBy: caller.name, hostIds });
    return { rolloutId, jobId: first?.jobId ?? null };
  }

  /** One that is under way already is the same; a halted one goes on. */
  #remove(tx: WriteContext, caller: Caller, id: string): string {
    const { stores, access, rollouts } = this.#deps;
    const set = access.requireSet(caller, id);
    const current = stores.rollouts.findCurrent(id);
    if (current?.kind === 'remove') {
      if (current.state === 'halted') rollouts.resume(tx, current);
      return current.id;
    }
    const hostIds = stores.services.ofSet(id).map(({ hostId }) => hostId);
    return rollouts.begin(tx, set, { kind: 'remove', pull: 'never', madeBy: caller.name, hostIds }).rolloutId;
  }

  #requireStaying(caller: Caller, id: string): SetRecord {
    const { stores, access } = this.#deps;
    const set = access.requireSet(caller, id);
    if (stores.rollouts.findCurrent(id)?.kind !== 'remove') return set;
    throw beingRemoved(set);
  }

  #requireRollout(caller: Caller, id: string, rolloutId: string): RolloutRecord {
    const { stores, access } = this.#deps;
    access.requireSet(caller, id);
    const rollout = stores.rollouts.find(rolloutId);
    if (rollout?.setId !== id) throw missing('rollout', rolloutId);
    return rollout;
  }

  #isReachable(id: string): boolean {
    const { stores, links } = this.#deps;
    return stores.services.ofSet(id).every(({ hostId }) => links.isConnected(hostId));
  }

  /** Throws why a removal halted. */
  #throwHalt(rolloutId: string): void {
    const { stores } = this.#deps;
    const rollout = stores.rollouts.find(rolloutId);
    const target = rollout?.state === 'halted' && stores.rollouts.findTarget(rolloutId, rollout.haltedBy ?? '');
    const job = target && target.jobId !== null ? stores.jobs.find(target.jobId) : undefined;
    if (job) throwFailure(toJob(job));
  }
}

const beingRemoved = ({ name }: SetRecord): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `Set "${name}" is being removed`,
    details: 'Cancel the rollout that removes it to keep the members that are left.',
  });
