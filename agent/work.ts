// What of the agent works on services: their watch, the runner of jobs, the drift watch, images, and the schedules that
// give jobs on their own.
import type { PolicyFile } from '#shared/compose/rules.ts';
import type { JobKind, Progress } from '#shared/jobs.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { HostFacts } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import { startFolders } from './backup/folders/start.ts';
import { createForgetBackup } from './backup/forget.ts';
import { Repositories } from './backup/repositories.ts';
import { Restic } from './backup/restic.ts';
import type { AgentConfig } from './config.ts';
import type { AskAi } from './deploy/ai/question.ts';
import { createExecutor } from './deploy/engine.ts';
import type { Desired } from './deploy/observe.ts';
import { createDockerGate } from './docker-gate.ts';
import type { DockerParts } from './docker-parts.ts';
import { SYSTEM_PATH } from './docker/child.ts';
import { startDriftWatch, type DriftWatch } from './drift/watch.ts';
import { Execs } from './exec/execs.ts';
import type { HealthCheck } from './health/health-check.ts';
import type { Probes } from './health/probes.ts';
import { startImages, type Images } from './images/images.ts';
import { startHealing } from './healing/healing.ts';
import type { HealingLimits } from './healing/limits.ts';
import type { EdgeHandle } from './ingress/start.ts';
import { Inbox } from './jobs/inbox.ts';
import { LocalJobs } from './jobs/local-jobs.ts';
import { startRunner } from './jobs/runner.ts';
import { standDown } from './jobs/stand-down.ts';
import type { KeptLogs } from './kept-logs/kept-logs.ts';
import type { HandlerDeps } from './link/handlers.ts';
import { startSchedules } from './schedule/schedules.ts';
import type { Adopted } from './state/adopted.ts';
import type { AgentState } from './state/open.ts';
import type { Stats } from './stats/stats.ts';
import { startWatch, type ServiceWatch } from './watch.ts';

export interface JobParts {
  config: AgentConfig;
  deps: { clock: Clock; log: Logger; random: () => number; reservedPorts?: readonly number[]; healing?: HealingLimits };
  state: AgentState;
  docker: DockerParts;
  keptLogs: KeptLogs;
  policy: PolicyFile;
  probes: Probes;
  notify: (progress: Progress) => void;
  askAi: AskAi;
  edge: EdgeHandle;
  execs: Execs;
  stats: Stats;
  collectFacts: () => Promise<HostFacts>;
}

export function startJobs(
  { config, deps, state, docker, keptLogs, policy, probes, notify, askAi, edge, execs, stats, collectFacts }: JobParts,
  scope: Scope,
): Pick<HandlerDeps, 'planDeploy' | 'streamBackup'> & {
  watch: ServiceWatch;
  drift: DriftWatch;
  inbox: Inbox;
  images: Images;
  jobs: LocalJobs;
  /** Control has shut this host out; and it has let it in. */
  onRevoked: () => void;
  onWelcome: () => void;
} {
  const { clock, log } = deps;
  const reservedPorts = () => [...(deps.reservedPorts ?? []), ...edge.ports()];
  const { engine, hub, compose } = docker;
  const underWay = new Map<string, JobKind>();
  const watch = startWatch({ state, engine, hub, clock, log, underWay, onForgotten: (id) => keptLogs.drop(id) }, scope);
  const { dataDir, home, allowsFileGit, buildImagePrefix } = config;
  const onChange = (id: string) => watch.touch(id);
  const drift = startDriftWatch({ dataDir, state, engine, hub, clock, log, underWay, onChange }, scope);
  const images = startImages({ ...config, ...docker, ...deps, state, underWay }, scope);
  const { backupPasswords: passwords, backupSettings: settings } = state;
  const backups = new Repositories({ dataDir, passwords, settings, restic: new Restic({ home }) });
  const untilDockerAnswers = createDockerGate({ engine, hub, clock });
  const executing = {
    dataDir,
    home,
    searchPath: SYSTEM_PATH,
    allowsFileGit,
    buildImagePrefix,
    engine,
    compose,
    events: hub,
    policy,
    reservedPorts,
    askAi,
    edgeProject: config.edgeProject,
    leaveEdge: (containerIds: Iterable<string>) => edge.leave(containerIds),
    services: state.services,
    onBuilt: images.onBuilt,
    measureDownloads: images.measureDownloads,
    judgeBy: (serviceId: string, checks: readonly HealthCheck[]) => probes.judgeBy(serviceId, checks),
    takeOver: (containers: readonly Adopted[], desired: Desired) => takeOver(state, containers, desired),
    backups,
    openFolders: startFolders({ dataDir, engine, untilDockerAnswers, clock, log }, scope),
    clock,
    log,
  };
  const carryOut = images.around(keptLogs.around(createExecutor(executing).execute));
  const execute: typeof carryOut = (run) => carryOut(run).finally(() => drift.touch(run.offer.serviceId));
  const runner = startRunner(
    { state, clock, execute, forgetBackup: createForgetBackup(backups), watch, underWay, untilDockerAnswers, notify },
    scope,
  );
  const jobs = new LocalJobs({ state, clock, runner });
  startHealing({ dataDir, state, engine, hub, watch, runner, jobs, limits: deps.healing, clock, log }, scope);
  const schedules = startSchedules({ state, jobs, execs, images, stats, collectFacts, clock, log }, scope);
  const work = {
    schedule: () => schedules.touch(),
    edge: () => edge.touch(),
    enqueue: (jobId: string) => runner.enqueue(jobId),
    cancel: (jobId: string) => runner.cancel(jobId),
    look: (serviceId: string) => watch.touch(serviceId),
  };
  const planDeploy: HandlerDeps['planDeploy'] = async (question, signal) => {
    const { dryRun } = await import('./deploy/plan/dry-run.ts'); // most agents are never asked
    return dryRun({ ...executing, services: state.services }, question, signal);
  };
  const onRevoked = () => standDown({ state, clock, runner });
  const onWelcome = () => {
    if (!state.meta.isRevoked) return;
    state.meta.set('revokedAt', '');
    schedules.touch();
  };
  const inbox = new Inbox({ state, clock, work });
  const streamBackup: HandlerDeps['streamBackup'] = async (...request) => {
    const { download } = await import('./backup/download.ts'); // most agents are never asked
    return download(backups, ...request);
  };
  return { watch, drift, inbox, planDeploy, streamBackup, images, jobs, onRevoked, onWelcome };
}

function takeOver(state: AgentState, containers: readonly Adopted[], desired: Desired): void {
  state.transact(() => {
    state.adopted.put(containers);
    for (const id of new Set(containers.map(({ serviceId }) => serviceId))) state.services.setDesired(id, desired);
  });
}
