// Jobs that the host gives itself: journalled, queued and told like those of control, which hears of each first by a
// `job.local` and then makes its row.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { HostJobKind, JobResult } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import { resetHealing } from '../healing/reset.ts';
import type { AgentState } from '../state/open.ts';
import { hasRoomFor, NO_ROOM } from './room.ts';
import type { JobRunner } from './runner.ts';

/** A job that could not begin for so long, because others were at work, would come as a surprise. */
const WAIT_LIMIT_MS = 30 * 60_000;

export interface LocalOrder {
  serviceId: string;
  kind: HostJobKind;
  /** Who gives it: `by schedule nightly`, `local`. */
  cause: string;
  /** Nobody asked for it: failures that were counted stay counted. */
  keepsHealing?: boolean;
}

export interface LocalJobDeps {
  state: AgentState;
  clock: Clock;
  runner: Pick<JobRunner, 'enqueue' | 'settled'>;
}

export class LocalJobs {
  readonly #deps: LocalJobDeps;

  constructor(deps: LocalJobDeps) {
    this.#deps = deps;
  }

  /** Journals the job. Inside the caller's transaction; `enqueue` after it. Returns its id. Throws `host_disk_full`. */
  accept({ serviceId, kind, cause, keepsHealing = false }: LocalOrder): string {
    const { state, clock } = this.#deps;
    if (!hasRoomFor(kind, state)) throw new LongshoreError('host_disk_full', { details: NO_ROOM });
    const at = clock.now();
    const jobId = newId('job', at);
    const backup = kind === 'backup' && { backupId: newId('bkp', at) };
    const pull = kind === 'redeploy' && { pull: 'always' as const };
    const repository = kind === 'backup' ? state.backupSettings.find(serviceId)?.repository : undefined;
    const told = kind === 'backup' && { ...backup, repositoryId: repository?.id ?? null };
    const epoch = state.meta.number('epoch');
    const offer = { jobId, serviceId, kind, epoch, expiresAt: at + WAIT_LIMIT_MS, ...pull, ...backup };
    state.journal.accept({ ...offer, ...(repository && { repository }) }, cause);
    if (!keepsHealing) resetHealing(state.services, serviceId, kind);
    state.outbox.append({ kind: 'job.local', job: { jobId, serviceId, kind, cause, at, ...pull, ...told } });
    return jobId;
  }

  enqueue(jobId: string): void {
    this.#deps.runner.enqueue(jobId);
  }

  /** How it ended. Rejects with the signal's reason when this process ends before the job does. */
  async result(jobId: string, signal: AbortSignal): Promise<JobResult> {
    await this.#deps.runner.settled(jobId);
    signal.throwIfAborted();
    const result = this.#deps.state.journal.findResult(jobId);
    if (result) return result;
    throw new LongshoreError('interrupted', { message: `Job "${jobId}" is not known any more` });
  }
}
