// What each kind of event changes. Called inside the write that commits the event; what a host says of things that are
// not its own changes nothing.
import type { ServiceUpdates } from '#shared/image-updates.ts';
import type { Progress } from '#shared/jobs.ts';
import type { HostFacts, ServiceReport } from '#shared/model.ts';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import type { Clock } from '#shared/time.ts';
import type { Bus } from '../app/api/live.ts';
import type { JobEnds } from '../app/jobs/job-ends.ts';
import { toProgressNews } from '../app/jobs/job-news.ts';
import { noteUpdates } from '../app/updates/update-news.ts';
import type { JobRecord, ServiceRecord } from '../store/records.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import { noteLocalJob } from './local-job-effects.ts';
import { noteRun } from './schedule-effects.ts';
import type { ProgressLog } from './progress-log.ts';

type Body<K extends AgentEventBody['kind']> = Extract<AgentEventBody, { kind: K }>;

export interface EffectDeps {
  stores: Stores;
  ends: JobEnds;
  progressLog: ProgressLog;
  bus: Bus;
  clock: Clock;
}

export class EventEffects {
  readonly #deps: EffectDeps;
  #isForgotten = false;

  constructor(deps: EffectDeps) {
    this.#deps = deps;
  }

  /** `isForgotten`: of a time this control plane knows nothing of (HostRecord.forgottenUpTo); what is unknown is then left alone. */
  apply(tx: WriteContext, hostId: string, body: AgentEventBody, isForgotten: boolean): void {
    this.#isForgotten = isForgotten; // until the end of this call, which waits for nothing
    switch (body.kind) {
      case 'job.step':
        return this.#step(tx, hostId, body.progress);
      case 'job.finished':
        return this.#finished(tx, hostId, body);
      case 'service.report':
        return this.#report(tx, hostId, body.report);
      case 'service.event':
        return this.#serviceEvent(hostId, body);
      case 'host.facts':
        return this.#facts(hostId, body.facts);
      case 'service.updates':
        return this.#updates(hostId, body.updates);
      case 'edge.status':
        return this.#deps.stores.hostEdges.setStatus(hostId, body.status);
      case 'job.local':
        return this.#rejectIf(hostId, noteLocalJob(this.#deps.stores, hostId, body.job, this.#deps.clock.now()));
      case 'schedule.run':
        return this.#rejectIf(hostId, noteRun(this.#deps.stores, hostId, body.run, this.#deps.clock.now()));
      case 'gap':
        return this.#gap(hostId, body);
    }
  }

  /** Notes that the host said something it must not say. */
  reject(hostId: string, message: string): void {
    const { stores, clock } = this.#deps;
    stores.events.insert({ hostId, type: 'host', status: 'protocol_violation', message, at: clock.now() });
  }

  #rejectIf(hostId: string, problem: string | undefined): void {
    if (problem !== undefined) this.#refuse(hostId, problem);
  }

  #refuse(hostId: string, message: string): void {
    if (!this.#isForgotten) this.reject(hostId, message);
  }

  /** A job that the host gave itself has no row where its service was gone by then. */
  #refuseJob(hostId: string, what: string, { jobId, serviceId }: { jobId: string; serviceId: string }): void {
    if (!this.#isRemoved(hostId, serviceId))
      this.#refuse(hostId, `${what} of job "${jobId}", which is not of this host`);
  }

  #step(tx: WriteContext, hostId: string, progress: Progress): void {
    const job = this.#findJob(hostId, progress);
    if (!job) return this.#refuseJob(hostId, 'A step', progress);
    if (job.finishedAt !== null) return;
    const { stores, progressLog, bus } = this.#deps;
    stores.jobs.advance(job.id, 'running');
    stores.jobs.setStarted(job.id, progress.at);
    stores.jobs.putStep(progress);
    const { at, step, message } = progress;
    const lines = message ? [...progressLog.take(job.id), { at, step, message }] : progressLog.take(job.id);
    if (lines.length > 0) stores.jobLog.append(job.id, lines);
    if (job.kind === 'backup' && job.backupId !== null) stores.backups.setRunning(job.backupId);
    const news = toProgressNews(job, progress);
    if (news) tx.afterCommit(() => bus.publish(news));
  }

  #finished(tx: WriteContext, hostId: string, { result, report }: Body<'job.finished'>): void {
    const job = this.#findJob(hostId, result);
    if (!job) return this.#refuseJob(hostId, 'The end', result);
    const own = report?.serviceId === job.serviceId ? report : null;
    const end = {
      state: result.state,
      error: result.error ?? null,
      failedStep: result.failedStep ?? null,
      plan: result.plan ?? null,
      rolledBackTo: result.rolledBackTo ?? null,
      isUnchanged: result.unchanged ?? false,
      backup: result.backup ?? null,
      backups: result,
      proposal: result.proposal ?? null,
      startedAt: result.startedAt,
      finishedAt: this.#notAhead(result.finishedAt),
    };
    const isEnd = this.#deps.ends.finish(tx, job.id, end, own);
    // Told before (its row was ended here): what the host says of the service still counts.
    if (!isEnd && own && this.#deps.stores.services.find(own.serviceId)) this.#report(tx, hostId, own);
  }

  #report(tx: WriteContext, hostId: string, report: ServiceReport): void {
    const service = this.#findService(hostId, report.serviceId);
    if (service) this.#deps.ends.report(tx, service, report, this.#deps.clock.now());
    else if (this.#isRemoved(hostId, report.serviceId)) return;
    else this.#refuse(hostId, `A report of service "${report.serviceId}", which is not of this host`);
  }

  #serviceEvent(hostId: string, event: Body<'service.event'>): void {
    const { serviceId, type, status, message, end = null, at } = event;
    if (this.#isRemoved(hostId, serviceId)) return;
    if (!this.#findService(hostId, serviceId)) {
      return this.#refuse(hostId, `An event of service "${serviceId}", which is not of this host`);
    }
    this.#deps.stores.events.insert({ serviceId, hostId, type, status, message, end, at: this.#notAhead(at) });
  }

  #facts(hostId: string, facts: HostFacts): void {
    this.#deps.stores.hosts.setFacts(hostId, facts, this.#deps.clock.now());
  }

  #updates(hostId: string, updates: ServiceUpdates): void {
    const { stores, clock } = this.#deps;
    const service = this.#findService(hostId, updates.serviceId);
    if (service) noteUpdates(stores, service, updates, clock.now());
    else if (!this.#isRemoved(hostId, updates.serviceId)) {
      this.#refuse(hostId, `Images of service "${updates.serviceId}", which is not of this host`);
    }
  }

  /** Empty counts: only states that a later event brings anew. */
  #gap(hostId: string, { from, to, counts, at }: Body<'gap'>): void {
    const lost = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    if (lost.length === 0) return;
    const message = `Events ${from} to ${to} were dropped on the host: ${lost.join(', ')}`;
    this.#deps.stores.events.insert({ hostId, type: 'host', status: 'gap', message, at: this.#notAhead(at) });
  }

  #findJob(hostId: string, told: { jobId: string; serviceId: string }): JobRecord | undefined {
    const job = this.#deps.stores.jobs.find(told.jobId);
    return job?.hostId === hostId && job.serviceId === told.serviceId ? job : undefined;
  }

  #findService(hostId: string, serviceId: string): ServiceRecord | undefined {
    const service = this.#deps.stores.services.find(serviceId);
    return service?.hostId === hostId ? service : undefined;
  }

  /** Its last words may come after its end, and after it has moved; its first ones before it has. */
  #isRemoved(hostId: string, serviceId: string): boolean {
    const { tombstones, moves } = this.#deps.stores;
    return tombstones.find(serviceId)?.hostId === hostId || moves.concerns(serviceId, hostId);
  }

  /** A host whose clock runs ahead must not put its events at the top of the timeline for ever. */
  #notAhead(at: number): number {
    return Math.min(at, this.#deps.clock.now());
  }
}
