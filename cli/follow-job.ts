// Watches a job to its end: progress comes over the WebSocket, the truth from the job itself. A lost connection costs
// some lines of progress and never the outcome.
import type { Client } from './client.ts';
import type { DeployProgress, JobDetail } from './api-types.ts';
import type { BackupProgress } from './backup-types.ts';
import { type BackupKind } from '#shared/backup.ts';
import { isJobEnd, type JobStep } from '#shared/jobs.ts';
import { sleep, type Clock } from '#shared/time.ts';
import { ApiError } from './failures.ts';
import { openSocket } from './socket.ts';

/** How often the job is asked for while the socket is quiet or gone. */
const ASK_INTERVAL_MS = 2000;
/** A control plane may restart under us; after this long without an answer it is not coming back soon. */
const PATIENCE_MS = 60_000;

export interface JobWatcher {
  /** Something about a step is new. Called also for steps that ended before the watch began. */
  progress(progress: Pick<DeployProgress, 'step' | 'state' | 'percent' | 'message'>): void;
}

export interface FollowedJob {
  id: string;
  serviceId: string;
  /** Where its news come from; `deploy.progress` unless it is about a backup. */
  news?: 'backup.progress';
}

/** Resolves with the job once it has ended, however it ended. */
export async function followJob(
  client: Client,
  clock: Clock,
  job: FollowedJob,
  watcher: JobWatcher,
): Promise<JobDetail> {
  const watch = new AbortController();
  const ended = new Nudge();
  void listen(client, job, watcher, watch.signal, () => ended.give());
  try {
    for (let lastAnswerAt = clock.now(); ; ) {
      const found = await fetchJob(client, job.id, clock.now() - lastAnswerAt < PATIENCE_MS);
      if (found) {
        lastAnswerAt = clock.now();
        for (const { step, state, message } of found.steps)
          watcher.progress({ step, state, ...(message !== null && { message }) });
        if (isJobEnd(found.state)) return found;
      }
      await Promise.race([sleep(clock, ASK_INTERVAL_MS, AbortSignal.any([client.signal, watch.signal])), ended.next()]);
    }
  } finally {
    watch.abort();
  }
}

/** Wakes the one that waits; given while nobody does, it is kept for the next. */
class Nudge {
  #isGiven = false;
  #wake: (() => void) | undefined;

  give(): void {
    this.#isGiven = true;
    this.#wake?.();
  }

  async next(): Promise<void> {
    if (!this.#isGiven) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.#isGiven = false;
  }
}

/** Undefined when no answer came and there is patience left. */
async function fetchJob(client: Client, id: string, isPatient: boolean): Promise<JobDetail | undefined> {
  try {
    return await client.get<JobDetail>(`/api/jobs/${id}`);
  } catch (error) {
    if (isPatient && error instanceof ApiError && error.isUnreachable) return undefined;
    throw error;
  }
}

/** Passes progress on until the socket closes or the watch is over; asking goes on without it. */
async function listen(
  client: Client,
  job: FollowedJob,
  watcher: JobWatcher,
  signal: AbortSignal,
  onEnd: () => void,
): Promise<void> {
  try {
    using socket = await openSocket(client, '/api/ws', {});
    if (signal.aborted) return;
    signal.addEventListener('abort', () => socket[Symbol.dispose](), { once: true });
    socket.send({ type: 'subscribe', types: [job.news ?? 'deploy.progress'], service_ids: [job.serviceId] });
    for await (const text of socket) {
      const message = JSON.parse(text) as DeployProgress | BackupProgress | { type: 'other' };
      if (message.type === 'other' || !('job_id' in message) || message.job_id !== job.id) continue;
      const news = message.type === 'deploy.progress' ? message : toStepNews(message);
      if (news.step === 'job') onEnd();
      else watcher.progress(news);
    }
  } catch {
    // No live view then; the caller asks for the job either way and reports what stands in its way.
  }
}

const COPYING: Record<BackupKind, JobStep> = {
  backup: 'backup',
  restore: 'restore',
  forget_backup: 'forget',
  drill: 'drill',
};

const toStepNews = ({ kind, state, percent }: BackupProgress): Parameters<JobWatcher['progress']>[0] => ({
  step: state === 'running' ? COPYING[kind] : 'job',
  state,
  ...(percent !== null && { percent }),
});
