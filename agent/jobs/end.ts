// The one end of a job: its result, what it changed about the service, the report and the events that tell of them
// reach the disk together, or not at all. The timeline's line about a job is control's, which also ends jobs itself.
import { endsService } from '#shared/adoption.ts';
import type { LongshoreError } from '#shared/errors.ts';
import { isBackupKind } from '#shared/backup.ts';
import type { JobEndState, JobResult, JobStep } from '#shared/jobs.ts';
import type { ServiceReport } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { JobOutcome } from '../deploy/job-run.ts';
import { noteManualRestart } from '../healing/reset.ts';
import { reportOf } from '../report.ts';
import type { OpenJob } from '../state/journal.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceRecord } from '../state/services.ts';
import type { ServiceWatch, Sighting } from '../watch.ts';
import type { JournalledSteps } from './steps.ts';

export interface EndDeps {
  state: AgentState;
  clock: Clock;
  watch: ServiceWatch;
}

/** The most of an error's details that travels: whole build logs stay on the host. */
const DETAIL_CHARS = 8_000;
/** A failure before these leaves the containers as they were. */
const TOUCHING_STEPS: ReadonlySet<JobStep> = new Set(['apply', 'wait', 'record', 'rollback']);

export class JobEnd {
  readonly #deps: EndDeps;

  constructor(deps: EndDeps) {
    this.#deps = deps;
  }

  /** `steps` is absent for a job that never began. */
  async finish(job: OpenJob, outcome: JobOutcome, steps?: JournalledSteps): Promise<void> {
    // One that never began has nothing to show, and another job may be at work on the same containers.
    const sighting = steps ? await this.#look(job, outcome) : null;
    const { state } = this.#deps;
    state.transact(() => {
      steps?.writeWaiting();
      const startedAt = state.journal.findOpen(job.offer.jobId)?.startedAt ?? null;
      const result = toResult(job, outcome, { startedAt, finishedAt: this.#deps.clock.now() }, steps?.failedStep);
      if (state.journal.finish(result)) this.#tell(job, outcome, result, sighting);
    });
    steps?.written();
  }

  #tell(job: OpenJob, outcome: JobOutcome, result: JobResult, sighting: Sighting | null): void {
    const { services, outbox } = this.#deps.state;
    const { serviceId, kind } = job.offer;
    if (!isBackupKind(kind)) services.setEffect(serviceId, effectOf(outcome, result));
    if (kind === 'restart' && result.state === 'succeeded') noteManualRestart(services, serviceId, result.finishedAt);
    const record = services.find(serviceId);
    if (endsService(kind, result.state)) services.remove(serviceId);
    const report = record && sighting ? this.#note(record, sighting) : null;
    // The end of a job of this host's own may be dropped; the state of a service never is.
    const isOwn = this.#deps.state.journal.findNote(result.jobId)?.cause !== null;
    outbox.append({ kind: 'job.finished', result, report: isOwn ? null : report });
    if (isOwn && report) outbox.append({ kind: 'service.report', report });
  }

  #note(record: ServiceRecord, { containers, ticket }: Sighting): ServiceReport | null {
    const report = reportOf({ record, containers, isDeploying: false, nowMs: this.#deps.clock.now() });
    return this.#deps.watch.note(record, report, ticket) ? report : null;
  }

  /** Null when there is nothing to see, or Docker is away: the watch reports when it is back. */
  async #look({ offer }: OpenJob, outcome: JobOutcome): Promise<Sighting | null> {
    if (offer.kind === 'remove' && outcome.state === 'succeeded') return null;
    const record = this.#deps.state.services.find(offer.serviceId);
    return record ? this.#deps.watch.look(record.spec.name).catch(() => null) : null;
  }
}

function effectOf(outcome: JobOutcome, result: JobResult): { goodRevision: number | null; failure: string | null } {
  const { goodRevision } = outcome;
  if (outcome.state === 'succeeded' || result.rolledBackTo !== undefined) return { goodRevision, failure: null };
  const isUntouched = goodRevision !== null && !(result.failedStep && TOUCHING_STEPS.has(result.failedStep));
  return { goodRevision, failure: isUntouched ? null : outcome.error.message };
}

function toResult(
  { offer: { jobId, serviceId } }: OpenJob,
  outcome: JobOutcome,
  { startedAt, finishedAt }: { startedAt: number | null; finishedAt: number },
  failedStep: JobStep | undefined,
): JobResult {
  const { plan, backupBefore, drilled } = outcome;
  const made = {
    ...(plan && { plan }),
    ...(backupBefore && { backupBefore }),
    ...(drilled !== undefined && { drilled }),
  };
  const common = { jobId, serviceId, ...made, startedAt: startedAt ?? finishedAt, finishedAt };
  if (outcome.state === 'succeeded') {
    const { unchanged, backup, forgotten, proposal } = outcome;
    return {
      ...common,
      state: 'succeeded',
      ...(unchanged && { unchanged }),
      ...(backup && { backup }),
      ...(forgotten?.length && { forgotten }),
      ...(proposal && { proposal }),
    };
  }
  const { error, rolledBackTo } = outcome;
  return {
    ...common,
    state: endStateOf(error),
    error: { ...error.toWire(), ...(error.details && { details: error.details.slice(-DETAIL_CHARS) }) },
    ...(failedStep && { failedStep }),
    ...(rolledBackTo !== undefined && { rolledBackTo }),
  };
}

function endStateOf({ code }: LongshoreError): JobEndState {
  return code === 'cancelled' || code === 'superseded' || code === 'expired' ? code : 'failed';
}
