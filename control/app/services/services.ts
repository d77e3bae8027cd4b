// Services as callers see them.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isJobEnd } from '#shared/jobs.ts';
import type { ServiceRecord } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { holds } from '../access/permissions.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Job, Jobs } from '../api/jobs.ts';
import type { Order, Page, Paging } from '../api/page.ts';
import type {
  ActionOutcome,
  FindRefusal,
  NewService,
  RedeployOptions,
  Service,
  ServiceChange,
  ServiceDetail,
  ServiceEvent,
  ServiceQuery,
  Services,
} from '../api/services.ts';
import { planCreate, type Created, type CreateDeps } from './create-service.ts';
import type { DeployPlanDesk } from '../deploys/deploy-plans.ts';
import { setEnabled, type EnablementDeps } from './enablement.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { throwFailure } from '../jobs/job-failure.ts';
import type { ServiceJobs } from './service-jobs.ts';
import { showSource } from './shown-source.ts';
import { requireRemovable } from '../sets/member-guard.ts';
import type { UsageBoard } from './usage-board.ts';
import { planUpdate, type UpdateDeps } from './update-service.ts';
import { toJob, toService } from '../views.ts';
import { missing } from '../missing.ts';

/** Records that are read in one go: about 10 ms where none of them was read lately. */
const READ_AT_ONCE = 200;

export interface ServiceDeskDeps {
  stores: Stores;
  access: Access;
  effects: IdempotencyDesk;
  jobs: Jobs;
  serviceJobs: ServiceJobs;
  create: CreateDeps;
  /** For a service on each of several hosts. */
  planSet: (caller: Caller, input: NewService) => (tx: WriteContext) => Created;
  update: UpdateDeps;
  enablement: EnablementDeps;
  plans: Pick<DeployPlanDesk, 'requireSame'>;
  usage: Pick<UsageBoard, 'find'>;
}

export class ServiceDesk implements Services {
  readonly #deps: ServiceDeskDeps;
  readonly #shown = new WeakMap<ServiceRecord, Service>();

  constructor(deps: ServiceDeskDeps) {
    this.#deps = deps;
  }

  async create(caller: Caller, input: NewService): Promise<{ service: Service; job: Job }> {
    const { effects, create, planSet } = this.#deps;
    const isSet = input.placement?.replicas === 'per_host';
    const plan = isSet ? planSet : (by: Caller, given: NewService) => planCreate(create, by, given);
    const { serviceId, jobId } = await effects.perform(() => plan(caller, input));
    return this.showWithJob(serviceId, jobId);
  }

  list(caller: Caller, query: ServiceQuery): Page<Service> {
    const { stores, access } = this.#deps;
    const { items, total } = stores.services.list({ ...query, visibility: access.visibility(caller) });
    return { items: items.map((item) => this.#show(item)), total, page: query.page, perPage: query.perPage };
  }

  async all(caller: Caller): Promise<Service[]> {
    const { stores, access } = this.#deps;
    const services: Service[] = [];
    for (const [i, id] of stores.services.ids(access.visibility(caller)).entries()) {
      if (i % READ_AT_ONCE === READ_AT_ONCE - 1) await nextTurn();
      const record = stores.services.find(id);
      if (record) services.push(this.#show(record));
    }
    return services;
  }

  named(caller: Caller, name: string): Service[] {
    const { stores, access } = this.#deps;
    return stores.services.all(access.visibility(caller), name).map((record) => this.#show(record));
  }

  find(caller: Caller, id: string): Service | undefined {
    const service = this.#deps.access.findService(caller, id);
    return service && this.#show(service);
  }

  require(caller: Caller, id: string): Service {
    return this.#show(this.#deps.access.requireService(caller, id));
  }

  detail(caller: Caller, id: string): ServiceDetail {
    const { stores, access, usage } = this.#deps;
    const service = access.requireService(caller, id);
    return {
      ...this.#show(service),
      customerName: service.customerId && (stores.customers.find(service.customerId)?.name ?? null),
      ...showSource(caller, stores.services.requireSource(id)),
      rollbackOnFailure: service.rollbackOnFailure,
      watchPaths: stores.gitHooks.watchPathsOf(id),
      isReviewed: stores.reviews.isWanted(id),
      waiting: stores.reviews.findWaiting(id),
      healthTimeoutS: service.healthTimeoutS,
      lastOutput: holds(caller.permissions, 'services.logs') ? (usage.find(id)?.lastOutput ?? null) : null,
      updates: stores.imageUpdates.find(id) ?? null,
    };
  }

  async update(
    caller: Caller,
    id: string,
    change: ServiceChange,
  ): Promise<{ service: ServiceDetail; jobId: string | null }> {
    const { effects, update } = this.#deps;
    const { serviceId, jobId } = await effects.perform(async () => {
      const { planId } = change;
      if (planId !== undefined) await this.#deps.plans.requireSame(caller, id, planId, { change });
      return planUpdate(update, caller, id, change);
    });
    return { service: this.detail(caller, serviceId), jobId };
  }

  async act(
    caller: Caller,
    id: string,
    kind: 'start' | 'stop' | 'restart',
    waitMs: number,
    findRefusal?: FindRefusal,
  ): Promise<ActionOutcome> {
    const { effects, serviceJobs, jobs } = this.#deps;
    const { jobId } = await effects.perform(() => (tx) => {
      this.#requireUnopposed(caller, id, findRefusal);
      return { jobId: serviceJobs.act(tx, caller, id, kind) };
    });
    const job = await jobs.wait(jobId, waitMs);
    throwFailure(job);
    return { service: this.require(caller, id), job, isDone: isJobEnd(job.state) };
  }

  async setEnabled(caller: Caller, id: string, isEnabled: boolean, findRefusal?: FindRefusal): Promise<Service> {
    const { effects, enablement } = this.#deps;
    await effects.perform(() => (tx) => {
      this.#requireUnopposed(caller, id, findRefusal);
      setEnabled(enablement, tx, caller, { id, isEnabled });
      return { id };
    });
    return this.require(caller, id);
  }

  async redeploy(
    caller: Caller,
    id: string,
    { pull = 'always', planId, review }: RedeployOptions,
  ): Promise<{ service: Service; job: Job }> {
    const { effects, serviceJobs } = this.#deps;
    const { jobId } = await effects.perform(async () => {
      if (planId !== undefined) await this.#deps.plans.requireSame(caller, id, planId, { pull });
      return (tx) => ({ jobId: serviceJobs.redeploy(tx, caller, id, { pull, review }) });
    });
    return this.showWithJob(id, jobId);
  }

  async remove(caller: Caller, id: string, waitMs: number): Promise<{ job: Job; isDone: boolean }> {
    const { stores, access, effects, serviceJobs, jobs } = this.#deps;
    const { jobId } = await effects.perform(() => (tx) => {
      requireRemovable(stores, access.requireService(caller, id));
      return { jobId: serviceJobs.remove(tx, caller, id) };
    });
    // A host that is away answers when it returns; nobody waits for that.
    const job = await jobs.wait(jobId, this.#isReachable(jobId) ? waitMs : 0);
    throwFailure(job);
    return { job, isDone: isJobEnd(job.state) };
  }

  events(
    caller: Caller,
    id: string,
    query: Paging & { type?: string | undefined; order?: Order | undefined },
  ): Page<ServiceEvent> {
    const { stores, access } = this.#deps;
    access.requireService(caller, id);
    const { page, perPage } = query;
    const { items, total } = stores.events.list({ ...query, serviceId: id });
    return { items: holds(caller.permissions, 'services.logs') ? items : items.map(withoutLog), total, page, perPage };
  }

  /** What a request that began a job is answered. Throws not_found: a repeated one may come when the service is gone again. */
  showWithJob(serviceId: string, jobId: string): { service: Service; job: Job } {
    const { stores } = this.#deps;
    const service = stores.services.find(serviceId);
    const job = stores.jobs.find(jobId);
    if (!service || !job) throw missing('service', serviceId);
    return { service: this.#show(service), job: toJob(job) };
  }

  /** The same object as long as nothing of it has changed: what is made of it can be kept by it. */
  #show(record: ServiceRecord): Service {
    const usage = this.#deps.usage.find(record.id);
    const known = this.#shown.get(record);
    if (known?.usage === usage) return known;
    const service = toService(record, usage);
    this.#shown.set(record, service);
    return service;
  }

  #requireUnopposed(caller: Caller, id: string, findRefusal: FindRefusal = () => null): void {
    const refusal = findRefusal(this.require(caller, id));
    if (refusal) throw refusal;
  }

  #isReachable(jobId: string): boolean {
    const hostId = this.#deps.stores.jobs.find(jobId)?.hostId;
    return hostId !== undefined && this.#deps.create.links.isConnected(hostId);
  }
}

const withoutLog = (event: ServiceEvent): ServiceEvent =>
  event.end ? { ...event, end: { ...event.end, lastLines: [] } } : event;
