// Moves as callers see them. All checks that need only the database are made inside the write once more.
import { LongshoreError } from '#shared/errors.ts';
import type { MoveRecord } from '../../store/move-records.ts';
import type { HostRecord, ServiceRecord } from '../../store/records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { holds, type ExactPermission } from '../access/permissions.ts';
import type { Caller } from '../api/caller.ts';
import type { HostRestore, Move, MoveDetail, MoveQuery, Moves as MovesApi, NewMove } from '../api/moves.ts';
import type { Page } from '../api/page.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import { dataOf } from '../hosts/data-of-service.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { missing } from '../missing.ts';
import { requireOpen, requireTaking } from '../services/placement.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';
import { draftSpec, requireSendable } from '../services/service-spec.ts';
import { findMisfit } from './fit.ts';
import type { HostRestores } from './host-restores.ts';
import { isMeantToRun, type Moves } from './moves.ts';
import { planMove, stepsOf } from './plan.ts';
import type { MoveRunner } from './runner.ts';
import { requireWay } from './ways.ts';

export interface MoveDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  customerRules: CustomerRules;
  serviceJobs: Pick<ServiceJobs, 'requireIdle'>;
  links: Pick<HostLinks, 'isConnected' | 'ask'>;
  moves: Moves;
  runner: MoveRunner;
  restores: HostRestores;
}

/** A repository may have to be fetched. */
const PLAN_LIMIT_MS = 55_000;

export class MoveDesk implements MovesApi {
  readonly #deps: MoveDeskDeps;

  constructor(deps: MoveDeskDeps) {
    this.#deps = deps;
  }

  async begin(caller: Caller, serviceId: string, input: NewMove): Promise<MoveDetail> {
    const { effects, moves, runner, stores } = this.#deps;
    const { id } = await effects.perform(async () => {
      requirePermission(caller, 'backups.restore', 'Moving a service');
      const { service, to } = this.#requireMovable(caller, serviceId, input);
      await this.#requireRoom(service, to);
      return () => {
        const { service, from, repositoryId } = this.#requireMovable(caller, serviceId, input);
        const wasRunning = isMeantToRun(stores, service);
        const { keepsOld = false, hostId: toHostId } = input;
        const order = { fromHostId: from.id, toHostId, restoreId: null, keepsOld, wasRunning, repositoryId };
        return { id: moves.begin(service, { ...order, backupId: null, madeBy: caller.name }) };
      };
    });
    void runner.sweep();
    return this.require(caller, id);
  }

  list(caller: Caller, query: MoveQuery): Page<Move> {
    const { stores, access } = this.#deps;
    const { items, total } = stores.moves.list({ ...query, visibility: access.visibility(caller) });
    return { items, total, page: query.page, perPage: query.perPage };
  }

  require(caller: Caller, id: string): MoveDetail {
    const { stores, moves } = this.#deps;
    const move = this.#requireSeen(caller, id);
    const facts = moves.factsOf(move);
    const decision = planMove(facts);
    const steps = stepsOf(facts).map((step) => {
      const jobId = move.jobs[step] ?? null;
      const hostId = step === 'deploy' || step === 'rest' || step === 'clear' ? move.toHostId : move.fromHostId;
      const message = jobId === null ? null : (stores.jobs.steps(jobId).at(-1)?.message ?? null);
      return { step, state: facts.jobs[step]?.state ?? ('waiting' as const), hostId, jobId, message };
    });
    const next = move.finishedAt === null && 'step' in decision ? `${decision.step}: ${decision.why}` : null;
    return { ...move, steps, next };
  }

  cancel(caller: Caller, id: string): Promise<MoveDetail> {
    return this.#act(caller, id, (move, tx) => {
      if (move.state !== 'running' || move.switchedAt !== null) throw notNow(move, 'cancelled');
      this.#deps.moves.undo(tx, move, { code: 'cancelled', message: `Cancelled by ${caller.name}` });
    });
  }

  removeOld(caller: Caller, id: string): Promise<MoveDetail> {
    const { stores } = this.#deps;
    return this.#act(caller, id, (move) => {
      if (move.finishedAt === null || !move.keepsOld) throw conflict(`Move "${id}" has left nothing behind`);
      if (stores.moves.findOpen(move.serviceId)) throw conflict('The service is being moved');
      const hostId = move.state === 'succeeded' ? move.fromHostId : move.toHostId;
      requireOpen(stores.hosts.find(hostId));
      if (stores.services.find(move.serviceId)?.hostId === hostId) throw conflict('The service is there again');
      stores.moves.reopen(move);
    });
  }

  async restoreHost(caller: Caller, hostId: string, toHostId: string): Promise<HostRestore> {
    const { access, effects, restores, runner } = this.#deps;
    await effects.perform(() => () => {
      access.requireHostOperator(caller);
      const [from, to] = [access.requireHost(caller, hostId), access.requireHost(caller, toHostId)];
      return { id: restores.begin({ from, to, madeBy: caller.name }) };
    });
    void runner.sweep();
    return this.requireRestore(caller, hostId);
  }

  requireRestore(caller: Caller, hostId: string): HostRestore {
    const { access, restores } = this.#deps;
    access.requireOperator(caller, 'see what became of hosts'); // it names services of anybody
    return restores.require(access.requireHost(caller, hostId).id);
  }

  async #act(
    caller: Caller,
    id: string,
    work: (move: MoveRecord, tx: Parameters<Moves['undo']>[0]) => void,
  ): Promise<MoveDetail> {
    const { effects, runner } = this.#deps;
    await effects.perform(() => (tx) => {
      work(this.#requireSeen(caller, id), tx);
      return { id };
    });
    void runner.sweep();
    return this.require(caller, id);
  }

  /** Who may not see both hosts sees no move between them. */
  #requireSeen(caller: Caller, id: string): MoveRecord {
    const move = this.#deps.stores.moves.find(id);
    const { customerId, hostIds } = this.#deps.access.visibility(caller);
    const isOwn = move && (customerId === null || customerId === move.customerId);
    const isThere =
      move && [move.fromHostId, move.toHostId].every((host) => hostIds === null || hostIds.includes(host));
    if (!move || !isOwn || !isThere) throw missing('move', id);
    return move;
  }

  #requireMovable(caller: Caller, serviceId: string, input: NewMove) {
    const { stores, access, customerRules, serviceJobs } = this.#deps;
    const service = access.requireService(caller, serviceId);
    const from = access.requireHost(caller, service.hostId);
    const to = access.requireHost(caller, input.hostId);
    customerRules.requireActive(service.customerId);
    requireOpen(to);
    const { compose, files } = stores.services.requireSource(serviceId);
    const hasNamesake = stores.services.findByName(to.id, service.name) !== undefined;
    const misfit = findMisfit({ service, from, to, data: dataOf(compose), files: Object.keys(files), hasNamesake });
    if (misfit) throw misfit;
    requireTaking(to);
    serviceJobs.requireIdle(service);
    this.#requireNoTrace(service, to);
    if (service.deployedAt === null)
      throw conflict(`Service "${service.name}" was never deployed: there is nothing to move`);
    const repositoryId = requireWay(stores, { access, caller }, service, input.repositoryId);
    for (const host of [from, to]) this.#requireConnected(host);
    return { service, from, to, repositoryId };
  }

  /** What an earlier move has left would be taken for the data. */
  #requireNoTrace({ id, name }: ServiceRecord, to: HostRecord): void {
    const { stores } = this.#deps;
    const open = stores.moves.findOpen(id);
    if (open) throw conflict(`Service "${name}" is still being removed from where it was`, `See move ${open.id}.`);
    const left = stores.moves.findLeftOn(id, to.id);
    if (!left) return;
    const details = `\`longshore moves remove-old ${left.id}\` removes it, with the data that it had then.`;
    throw conflict(`Host "${to.name}" still keeps something of service "${name}" from an earlier move`, details);
  }

  /** The host says what a deploy would stumble over before anything stops. */
  async #requireRoom(service: ServiceRecord, to: HostRecord): Promise<void> {
    const { stores, links } = this.#deps;
    const moved = { ...service, hostId: to.id, revision: service.revision + 1 };
    const { spec } = draftSpec(stores, moved, stores.services.requireSource(service.id));
    const question = { spec, pull: 'missing' as const, bringsBackup: true };
    requireSendable(question);
    const { plan } = await links.ask(to.id, 'service.plan', question, { timeoutMs: PLAN_LIMIT_MS });
    const troubles = [
      ...plan.findings.map(({ path, message }) => `${path}: ${message}`),
      ...plan.volumes.flatMap(({ name, action }) => (action === 'create' ? [] : [`volume "${name}" is there already`])),
      ...plan.preflight.flatMap(({ state, message }) => (state === 'failed' ? [message] : [])),
    ];
    if (troubles.length > 0)
      throw conflict(`Host "${to.name}" cannot take service "${service.name}"`, troubles.join('\n'));
  }

  #requireConnected({ id, name }: HostRecord): void {
    if (this.#deps.links.isConnected(id)) return;
    const details =
      'Should it be lost: `longshore hosts restore` brings its services up elsewhere, from their backups.';
    throw new LongshoreError('host_offline', { message: `Host "${name}" is not connected`, details, retryAfter: 15 });
  }
}

function requirePermission(caller: Caller, permission: ExactPermission, what: string): void {
  if (holds(caller.permissions, permission)) return;
  throw new LongshoreError('forbidden', { message: `${what} needs ${permission}` });
}

const conflict = (message: string, details?: string): LongshoreError =>
  new LongshoreError('state_conflict', { message, ...(details !== undefined && { details }) });

const notNow = ({ id, state, switchedAt }: MoveRecord, what: string): LongshoreError =>
  conflict(`Move "${id}" cannot be ${what}: it is ${state}${switchedAt === null ? '' : ', and the service has moved'}`);
