// What whoever looks after this host may ask of its agent, and have it do. Work on services is journalled, queued and
// told as every other job; nothing here needs the control plane.
import { LongshoreError } from '#shared/errors.ts';
import {
  LOCAL_CAUSE,
  type LocalEvent,
  type LocalJobDetail,
  type LocalJobView,
  type LocalServices,
} from '#shared/local.ts';
import type { LocalVerb } from '#shared/local.ts';
import type { ServiceReport } from '#shared/model.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Engine } from '../docker/engine.ts';
import type { LocalJobs } from '../jobs/local-jobs.ts';
import type { JobNote } from '../state/journal.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceRecord } from '../state/services.ts';
import { ActBudget } from './act-budget.ts';
import { toEventView } from './event-view.ts';
import { toJobDetail, toJobView, toServiceView } from './views.ts';

export interface LocalDeskDeps {
  state: AgentState;
  jobs: Pick<LocalJobs, 'accept' | 'enqueue' | 'result'>;
  observe: (serviceId: string) => Promise<ServiceReport>;
  engine: Pick<Engine, 'version'>;
  clock: Clock;
}

export class LocalDesk {
  readonly #deps: LocalDeskDeps;
  readonly #budget: ActBudget;

  constructor(deps: LocalDeskDeps) {
    this.#deps = deps;
    this.#budget = new ActBudget(deps.clock);
  }

  /** By name, as Docker shows them now; where it does not answer, as they were last seen. */
  async services(): Promise<LocalServices> {
    const { state, observe } = this.#deps;
    const kinds = state.journal.openKinds();
    const looks = state.services.names().map(async ({ serviceId, name }) => {
      const seen = await observe(serviceId).catch(() => null);
      const record = state.services.find(serviceId); // it may have gone while Docker was asked
      if (!record) return [];
      const view = toServiceView(record, seen ?? record.report, kinds.get(serviceId) ?? null);
      return [{ name, view, isSeen: seen !== null }];
    });
    const found = (await Promise.all(looks)).flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const isReachable = found.length > 0 ? found.every(({ isSeen }) => isSeen) : await this.#doesDockerAnswer();
    return { docker_reachable: isReachable, data: found.map(({ view }) => view) };
  }

  /** Begins it and returns the job. Throws `not_found`, `service_busy` naming the job, `state_conflict`, `rate_limited`. */
  act(service: string, kind: LocalVerb): LocalJobDetail {
    const { state, jobs } = this.#deps;
    const jobId = state.transact(() => {
      const record = this.#require(service);
      requireIdle(record, state.journal.findOpenOf(record.spec.id));
      requireEnabled(record, kind);
      this.#budget.require();
      return jobs.accept({ serviceId: record.spec.id, kind, cause: LOCAL_CAUSE });
    });
    this.#budget.spend();
    jobs.enqueue(jobId);
    return this.job(jobId);
  }

  /** The job once it has ended, or as it is after `waitMs`. Throws `not_found`; rejects when `signal` aborts. */
  async awaitJob(id: string, waitMs: number, signal: AbortSignal): Promise<LocalJobDetail> {
    const { jobs, clock } = this.#deps;
    const before = this.job(id);
    if (before.finished_at !== null || waitMs === 0) return before;
    const done = new AbortController();
    const limit = sleep(clock, waitMs, AbortSignal.any([signal, done.signal])).catch(() => undefined);
    await Promise.race([jobs.result(id, signal).catch(() => undefined), limit]);
    done.abort();
    signal.throwIfAborted();
    return this.job(id);
  }

  /** Throws `not_found`. */
  job(id: string): LocalJobDetail {
    const { journal } = this.#deps.state;
    const note = journal.findNote(id);
    if (note) return toJobDetail(note, this.#nameOf(note.serviceId), journal.steps(id));
    throw new LongshoreError('not_found', { message: `This host has no job "${id}"` });
  }

  /** The newest first. */
  jobs(limit: number): LocalJobView[] {
    return this.#deps.state.journal.latest(limit).map((note) => toJobView(note, this.#nameOf(note.serviceId)));
  }

  /** The oldest first, as a log has them. */
  events(limit: number): LocalEvent[] {
    const { journal, outbox, schedules, services } = this.#deps.state;
    const serviceNames = new Map(services.names().map(({ serviceId, name }) => [serviceId, name]));
    const names = {
      service: (id: string) => serviceNames.get(id),
      jobKind: (id: string) => journal.findNote(id)?.kind,
      schedule: (id: string) => schedules.find(id)?.spec.name,
    };
    return outbox.latest(limit).map((event) => toEventView(event, names));
  }

  /** By id or name. Throws `not_found`. */
  requireId(service: string): string {
    return this.#require(service).spec.id;
  }

  #doesDockerAnswer(): Promise<boolean> {
    return this.#deps.engine.version().then(
      () => true,
      () => false,
    );
  }

  #require(service: string): ServiceRecord {
    const { services } = this.#deps.state;
    const [id = service, ...namesakes] = services.idsWithName(service);
    const record = services.find(id);
    if (record && namesakes.length === 0) return record;
    const message = record
      ? `Two services are called "${service}": use the id`
      : `This host has no service "${service}"`;
    const details = '`longshore local ps` shows what there is';
    throw new LongshoreError(record ? 'state_conflict' : 'not_found', { message, details });
  }

  #nameOf(serviceId: string): string | null {
    return this.#deps.state.services.find(serviceId)?.spec.name ?? null;
  }
}

/** As the API answers it. */
function requireIdle({ spec }: ServiceRecord, job: JobNote | undefined): void {
  if (!job) return;
  throw new LongshoreError('service_busy', {
    message: `Service "${spec.name}" is busy: ${job.kind} is ${job.state}`,
    details: `Job ${job.id} is under way; wait for it.`,
  });
}

function requireEnabled({ spec, isEnabled }: ServiceRecord, kind: LocalVerb): void {
  if (isEnabled || kind === 'stop') return;
  throw new LongshoreError('state_conflict', { message: `Cannot ${kind} service "${spec.name}": it is disabled` });
}
