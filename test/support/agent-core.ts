// The agent's journal, inbox, runner and watch over a real database, with Docker and the work itself played by the
// test. `crash` ends a process without a goodbye; the next `start` on the same folder is the process after it.
import type { Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobKind, JobOffer, JobResult, Progress } from '#shared/jobs.ts';
import type { ContainerState, Health, ServiceSpec } from '#shared/model.ts';
import type { AgentEventBody, CommandBody } from '#shared/protocol/schema.ts';
import type { ForgetBackup } from '../../agent/backup/forget.ts';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import type { Container, ContainerSummary } from '../../agent/docker/engine.ts';
import type { Listener } from '../../agent/docker/events.ts';
import { Inbox } from '../../agent/jobs/inbox.ts';
import { LocalJobs } from '../../agent/jobs/local-jobs.ts';
import { startRunner } from '../../agent/jobs/runner.ts';
import { startSchedules } from '../../agent/schedule/schedules.ts';
import type { WorkDeps } from '../../agent/schedule/work.ts';
import { openState } from '../../agent/state/open.ts';
import { startWatch } from '../../agent/watch.ts';
import { ManualClock } from './manual-clock.ts';

export const specOf = (over: Partial<ServiceSpec> = {}): ServiceSpec => ({
  id: 'svc_1',
  name: 'web',
  customerId: null,
  revision: 1,
  method: 'compose',
  compose: 'services: {web: {image: busybox}}',
  variables: { PASSWORD: 'canary-3f9a' },
  secretNames: ['PASSWORD'],
  template: null,
  files: {},
  labels: {},
  rollbackOnFailure: true,
  healthTimeoutS: 60,
  ...over,
});

let jobs = 0;
export function offerOf(kind: JobKind, over: Partial<JobOffer> = {}): JobOffer {
  const spec = kind === 'deploy' || kind === 'redeploy' ? { spec: specOf() } : {};
  return { jobId: `job_${++jobs}`, serviceId: 'svc_1', kind, epoch: 1, ...spec, ...over };
}

export const containerOf = (
  over: Partial<Container> & { state?: ContainerState; health?: Health } = {},
): Container => ({
  id: 'c1',
  name: 'web-web-1',
  service: 'web',
  image: 'busybox:1',
  imageId: 'sha256:1',
  state: 'running',
  health: 'healthy',
  exitCode: null,
  startedAt: 1,
  ports: [],
  project: 'web',
  labels: {},
  isAdopted: false,
  hasOwnNetwork: true,
  address: null,
  joins: [],
  removesItself: false,
  hasHealthCheck: true,
  restartPolicy: 'no',
  restartCount: 0,
  oomKilled: false,
  finishedAt: 0,
  probeOutput: '',
  failingStreak: 0,
  probedAt: 0,
  pid: 1,
  cpuLimit: null,
  memoryLimitBytes: null,
  ...over,
});

/** Docker as the watch sees it: lists by project, and a way to say that something happened. */
export class FakeDocker {
  readonly projects = new Map<string, Container[]>();
  lists = 0;
  sweeps = 0;
  isAway = false;
  readonly #listeners = new Set<Listener>();

  listProject(project: string): Promise<Container[]> {
    this.lists += 1;
    if (this.isAway) return Promise.reject(new LongshoreError('docker_unavailable'));
    return Promise.resolve(this.projects.get(project) ?? []);
  }

  async listAll(): Promise<ContainerSummary[]> {
    this.sweeps += 1;
    if (this.isAway) throw new LongshoreError('docker_unavailable');
    return [...this.projects.values()].flat();
  }

  subscribe(_project: string, listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  happened(project: string): void {
    const event = { action: 'die', containerId: 'c1', project, service: 'web', at: 0, exitCode: null };
    for (const listener of this.#listeners) listener({ kind: 'event', event });
  }

  resync(): void {
    for (const listener of this.#listeners) listener({ kind: 'resync' });
  }
}

export interface CoreOptions {
  dir: string;
  execute: ExecuteJob;
  clock?: ManualClock;
  docker?: FakeDocker;
  forgetBackup?: ForgetBackup;
  untilDockerAnswers?: (signal: AbortSignal) => Promise<void>;
  /** Kept for the journal; default: as in life. */
  reserveBytes?: number;
  outboxLimitBytes?: number;
  /** What schedules do beside jobs; default: nothing of it works. */
  work?: Partial<WorkDeps>;
}

const unexpected = () => Promise.reject(new LongshoreError('unsupported'));
const NO_WORK: WorkDeps = {
  execs: { stream: unexpected },
  images: { checkUpdates: unexpected, prune: unexpected },
  stats: { host: unexpected },
  collectFacts: unexpected,
};

export function startCore(t: Test, options: CoreOptions) {
  const { dir, execute, clock = new ManualClock(), docker = new FakeDocker() } = options;
  const { untilDockerAnswers = () => Promise.resolve(), forgetBackup = () => Promise.resolve() } = options;
  const log = silentLogger();
  const scope = new Scope(log);
  const state = openState(dir, clock, options);
  const underWay = new Map<string, JobKind>();
  const progress: Progress[] = [];
  const notify = (each: Progress) => void progress.push(each);
  const watch = startWatch({ state, engine: docker, hub: docker, clock, log, underWay }, scope);
  const runner = startRunner(
    { state, clock, execute, forgetBackup, watch, underWay, untilDockerAnswers, notify },
    scope,
  );
  const jobs = new LocalJobs({ state, clock, runner });
  const schedules = startSchedules({ state, jobs, ...NO_WORK, ...options.work, clock, log }, scope);
  const work = {
    edge: () => undefined,
    enqueue: (id: string) => runner.enqueue(id),
    cancel: (id: string) => runner.cancel(id),
    look: (id: string) => watch.touch(id),
    schedule: () => schedules.touch(),
  };
  const inbox = new Inbox({ state, clock, work });
  let seq = state.commands.last;
  let isCrashed = false;
  const stop = async () => {
    if (isCrashed) return;
    await scope.stop();
    state.close();
  };
  t.teardown(stop);

  return {
    state,
    clock,
    docker,
    runner,
    watch,
    inbox,
    progress,
    stop,
    /** Gives commands the next numbers and delivers them in one batch. */
    send: (...bodies: CommandBody[]) => inbox.deliver({ commands: bodies.map((body) => ({ seq: ++seq, body })) }),
    offer: (offer: JobOffer) => inbox.deliver({ commands: [{ seq: ++seq, body: { kind: 'job.offer', offer } }] }),
    events: (): AgentEventBody[] => state.outbox.read(0, Number.MAX_SAFE_INTEGER).map(({ body }) => body),
    results: (): JobResult[] =>
      state.outbox
        .read(0, Number.MAX_SAFE_INTEGER)
        .flatMap(({ body }) => (body.kind === 'job.finished' ? [body.result] : [])),
    /** The database is gone under its feet: whatever it still does reaches nothing. */
    crash: () => {
      isCrashed = true;
      state.close();
      void scope.stop();
      clock.clear();
    },
  };
}
