// A host whose services fail as the test wants: the agent's watch, runner and healing over a real database and Docker in
// memory, on a clock that the test moves. `crash` ends a process without a goodbye; a next host on the same folder and
// Docker is the process after it.
import type { Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobKind, JobResult } from '#shared/jobs.ts';
import type { AgentEventBody } from '#shared/protocol/schema.ts';
import type { ExecuteJob } from '../../agent/deploy/job-run.ts';
import { SERVICE_LABEL, type Container } from '../../agent/docker/engine.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { startHealing } from '../../agent/healing/healing.ts';
import { Inbox } from '../../agent/jobs/inbox.ts';
import { LocalJobs } from '../../agent/jobs/local-jobs.ts';
import { startRunner } from '../../agent/jobs/runner.ts';
import { openState } from '../../agent/state/open.ts';
import { startWatch } from '../../agent/watch.ts';
import { offerOf, specOf } from './agent-core.ts';
import { FakeEngine } from './fake-engine.ts';
import { ManualClock } from './manual-clock.ts';

/** Of the clock, and the longest to wait for what real files and a real database take. */
const STEP_MS = 250;
const LIMIT_MS = 20_000;

export interface HealingHostOptions {
  dir: string;
  clock?: ManualClock;
  engine?: FakeEngine;
  execute?: ExecuteJob;
}

/** The service `web` has run well once. */
export function startHealingHost(t: Test, { dir, clock = new ManualClock(), ...options }: HealingHostOptions) {
  const { engine = new FakeEngine() } = options;
  engine.now = () => clock.now();
  const log = silentLogger();
  const scope = new Scope(log);
  const state = openState(dir, clock);
  state.services.put(specOf());
  state.services.setEffect('svc_1', { goodRevision: 1, failure: null });
  const hub = startEventHub({ engine, clock, log }, scope.signal);
  const underWay = new Map<string, JobKind>();
  const watch = startWatch({ state, engine, hub, clock, log, underWay }, scope);
  const jobsDone: string[] = [];
  const execute: ExecuteJob = async (run) => {
    jobsDone.push(run.offer.kind);
    return options.execute
      ? options.execute(run)
      : run.steps.run('start', async () => ({ state: 'succeeded', goodRevision: 1 }));
  };
  const runner = startRunner(
    {
      state,
      clock,
      execute,
      forgetBackup: () => Promise.resolve(),
      watch,
      underWay,
      untilDockerAnswers: () => Promise.resolve(),
      notify: () => undefined,
    },
    scope,
  );
  const jobs = new LocalJobs({ state, clock, runner });
  startHealing({ dataDir: dir, state, engine, hub, watch, runner, jobs, clock, log }, scope);
  const work = {
    enqueue: (id: string) => runner.enqueue(id),
    cancel: (id: string) => runner.cancel(id),
    look: (id: string) => watch.touch(id),
    schedule: () => undefined,
    edge: () => undefined,
  };
  const inbox = new Inbox({ state, clock, work });
  let seq = state.commands.last;
  let isOver = false;
  const stop = async () => {
    if (isOver) return;
    isOver = true;
    await scope.stop();
    state.close();
  };
  t.teardown(stop);
  const events = (): AgentEventBody[] => state.outbox.read(0, Number.MAX_SAFE_INTEGER).map(({ body }) => body);
  const timeline = () => events().flatMap((body) => (body.kind === 'service.event' ? [body] : []));
  const service = () => {
    const found = state.services.find('svc_1');
    if (!found) throw new Error('the service is gone');
    return found;
  };
  return {
    state,
    engine,
    clock,
    stop,
    jobsDone,
    timeline,
    service,
    /** `type status`, in order. */
    told: () => timeline().map(({ type, status }) => `${type} ${status}`),
    report: () => service().report,
    results: (): JobResult[] => events().flatMap((body) => (body.kind === 'job.finished' ? [body.result] : [])),
    offer: (kind: JobKind) =>
      inbox.deliver({ commands: [{ seq: ++seq, body: { kind: 'job.offer', offer: offerOf(kind) } }] }),
    enable: (isEnabled: boolean) =>
      inbox.deliver({ commands: [{ seq: ++seq, body: { kind: 'service.enable', serviceId: 'svc_1', isEnabled } }] }),
    /** Lets time pass bit by bit until it is so, and everything that falls due take its course. */
    until: async (check: () => unknown, label: string) => {
      const deadline = Date.now() + LIMIT_MS;
      while (!check()) {
        if (Date.now() > deadline) throw new Error(`never: ${label}`);
        // Files and databases take no time of this clock: else a slow machine would be a patient service.
        if (underWay.size === 0) clock.advance(STEP_MS);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    /** The same for a while, as the clock shows it. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= STEP_MS) {
        clock.advance(STEP_MS);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    crash: () => {
      isOver = true;
      state.close();
      void scope.stop();
      clock.clear();
    },
  };
}

export const addContainer = (engine: FakeEngine, over: Partial<Container> = {}): Container =>
  engine.addContainer({
    name: 'web-web-1',
    service: 'web',
    project: 'web',
    labels: { [SERVICE_LABEL]: 'svc_1' },
    state: 'running',
    startedAt: engine.now(),
    ...over,
  });
