// The agent from top to bottom: a list of parts, each of which cleans up after itself. `longshore agent` runs it alone,
// `longshore up` beside control in the same process. Stopping it stops no service.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicyFile } from '#shared/compose/rules.ts';
import { newInstanceId } from '#shared/ids.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { JobKind, Progress } from '#shared/jobs.ts';
import type { HostFacts, ServiceSample } from '#shared/model.ts';
import { loadIdentity } from '#shared/protocol/identity.ts';
import type { HostSample } from '#shared/stats.ts';
import type { Clock } from '#shared/time.ts';
import { Discovery } from './adoption/discovery.ts';
import type { DraftDeps } from './adoption/draft.ts';
import { createForgetBackup } from './backup/forget.ts';
import { Repositories } from './backup/repositories.ts';
import { Restic } from './backup/restic.ts';
import type { AgentConfig } from './config.ts';
import type { AskAi } from './deploy/ai/question.ts';
import { Reviews } from './deploy/ai/reviews.ts';
import type { Desired } from './deploy/observe.ts';
import { createExecutor } from './deploy/engine.ts';
import { History } from './deploy/revisions/history.ts';
import { clearScratch } from './deploy/plan/scratch.ts';
import { DriftDesk } from './drift/desk.ts';
import { startDriftWatch, type DriftWatch } from './drift/watch.ts';
import { createDockerGate } from './docker-gate.ts';
import { withAdopted } from './docker/adopted-engine.ts';
import { SYSTEM_PATH } from './docker/child.ts';
import { createCompose, findComposePlugin, type Compose } from './docker/compose.ts';
import { createDockerEngine } from './docker/docker-engine.ts';
import type { Engine } from './docker/engine.ts';
import { startEventHub, type EventHub } from './docker/events.ts';
import { createLogStreamer } from './docker/logs.ts';
import { destinationOf, rememberEnrolment } from './enrolment.ts';
import { Execs } from './exec/execs.ts';
import { startFactsReport } from './facts-report.ts';
import { collectHostFacts, readBootId, type HostDeps } from './host.ts';
import { startImages, type Images } from './images/images.ts';
import { Inbox } from './jobs/inbox.ts';
import { LocalJobs } from './jobs/local-jobs.ts';
import { startRunner } from './jobs/runner.ts';
import type { Destination, HostReport } from './link/connection.ts';
import { createHandlers, type HandlerDeps } from './link/handlers.ts';
import { createAskAi } from './link/ask-ai.ts';
import { pumpOutbox } from './link/outbox-pump.ts';
import { startLink, type Link } from './link/session.ts';
import { loadPolicy } from './policy.ts';
import { startSchedules } from './schedule/schedules.ts';
import { followMask } from './secrets/mask.ts';
import { startStats, type Stats } from './stats/stats.ts';
import type { Adopted } from './state/adopted.ts';
import { openState, type AgentState } from './state/open.ts';
import { startRetention } from './state/retention.ts';
import { startWatch, type ServiceWatch } from './watch.ts';

export interface AgentDeps {
  clock: Clock;
  log: Logger;
  /** Uniform in [0, 1): spreads reconnects. */
  random: () => number;
  agentVersion: string;
  /** Host ports that no service may publish: the control plane's, when it runs here too. */
  reservedPorts?: readonly number[];
}

export interface AgentHandle {
  /** Undefined until control has welcomed this host for the first time. */
  readonly hostId: string | undefined;
  readonly isConnected: boolean;
  /** Calls back at each welcome, and at once when the link is up already. */
  onConnected(listener: () => void): void;
  onDisconnected(listener: () => void): void;
}

interface Docker {
  socketPath: string;
  engine: Engine;
  compose: Compose;
  hub: EventHub;
}

/** Where Docker's packages put the plugin: named in the error when it is nowhere. */
const USUAL_PLUGIN = '/usr/libexec/docker/cli-plugins/docker-compose';

/**
 * Returns when it works on its own: jobs left open go on and services are watched, whether or not control can be
 * reached. Throws `config_invalid`, `state_conflict` (another agent on this directory), `schema_too_new`.
 */
export async function startAgent(config: AgentConfig, deps: AgentDeps, scope: Scope): Promise<AgentHandle> {
  const { clock, log } = deps;
  const state = openState(config.dataDir, clock);
  scope.onStop('state', () => state.close());
  startRetention(state, clock, scope);
  const destination = destinationOf(config.token, state.meta);
  const docker = startDocker(config, deps, state, scope);
  const collect = () => collectHostFacts(hostDeps(config, deps, state, docker));
  const facts = startFactsReport({ state, clock, log, collect }, scope);

  let link: Link | undefined;
  const notify = (progress: Progress) => link?.current?.notify('job.progress', progress);
  const askAi = createAskAi({ findPeer: () => link?.current, clock });
  await clearScratch(config.dataDir);
  const policy = loadPolicy();
  const { socketPath, engine, hub } = docker;
  const tell = (samples: ServiceSample[]) => link?.current?.notify('services.samples', { samples });
  const tellHost = (sample: HostSample) => link?.current?.notify('host.sample', sample);
  const { dataDir } = config;
  const stats = startStats({ dataDir, services: state.services, engine, hub, tell, tellHost, clock, log }, scope);
  const execs = new Execs({ engine, services: state.services, policy, clock, log });
  scope.onStop('programs in containers', () => execs.close());
  const { watch, drift, inbox, planDeploy, images } = startJobs(
    { config, deps, state, docker, policy, notify, askAi, execs, stats, collectFacts: collect },
    scope,
  );
  const streamLogs = createLogStreamer({
    socketPath,
    clock,
    log,
    listContainers: (project) => engine.listProject(project),
    onContainerChange: (project, changed) => hub.subscribe(project, changed),
    projectOf: (serviceId) => state.services.find(serviceId)?.spec.name,
    maskOf: (serviceId) => followMask(state.services, serviceId),
  });
  const history = new History({ dataDir: config.dataDir, services: state.services });
  const observe = (id: string) => watch.observe(id);
  const reviews = new Reviews({ dataDir: config.dataDir, services: state.services });
  const discovery = new Discovery({ engine, services: state.services });
  const answers = {
    inbox,
    streamLogs,
    execs,
    collectFacts: collect,
    observe,
    planDeploy,
    history,
    reviews,
    discovery,
    draftAdoption: createDraftAdoption({ dataDir: config.dataDir, engine, compose: docker.compose, discovery }),
    drift: new DriftDesk({ dataDir: config.dataDir, engine, services: state.services, watch: drift }),
    images,
    stats,
  };
  const handlers = createHandlers(answers);
  const describe = async (): Promise<HostReport> => describeHost(state, await facts.describe());
  const identity = loadIdentity(join(config.dataDir, 'agent.key'));
  const timing = { clock, random: deps.random, lastWindowMs: config.reconnectMaxS * 1000 };
  link = startLink({ destination, identity, instanceId: newInstanceId(), describe, handlers, log, ...timing }, scope);
  link.onUp(() => stats.tellAll());
  return followLink(link, { state, destination, clock, log });
}

function startDocker(
  { dockerSocket: socketPath, home, dataDir }: AgentConfig,
  { clock, log }: AgentDeps,
  { adopted }: AgentState,
  scope: Scope,
): Docker {
  const engine = withAdopted(createDockerEngine({ socketPath }), adopted);
  const hub = startEventHub({ engine, clock, log }, scope.signal);
  const binary = findComposePlugin(home) ?? USUAL_PLUGIN;
  const loginDir = join(dataDir, 'logins');
  rmSync(loginDir, { recursive: true, force: true }); // of a build that was under way when an agent was killed
  return { socketPath, engine, hub, compose: createCompose({ binary, socketPath, home, loginDir }) };
}

interface JobParts {
  config: AgentConfig;
  deps: AgentDeps;
  state: AgentState;
  docker: Docker;
  policy: PolicyFile;
  notify: (progress: Progress) => void;
  askAi: AskAi;
  execs: Execs;
  stats: Stats;
  collectFacts: () => Promise<HostFacts>;
}

function startJobs(
  { config, deps, state, docker, policy, notify, askAi, execs, stats, collectFacts }: JobParts,
  scope: Scope,
): Pick<HandlerDeps, 'planDeploy'> & { watch: ServiceWatch; drift: DriftWatch; inbox: Inbox; images: Images } {
  const { clock, log, reservedPorts = [] } = deps;
  const { engine, hub, compose } = docker;
  const underWay = new Map<string, JobKind>();
  const watch = startWatch({ state, engine, hub, clock, log, underWay }, scope);
  const { dataDir, home, allowsFileGit, buildImagePrefix } = config;
  const onChange = (id: string) => watch.touch(id);
  const drift = startDriftWatch({ dataDir, state, engine, hub, clock, log, underWay, onChange }, scope);
  const images = startImages({ ...config, ...docker, ...deps, state, underWay }, scope);
  const backups = new Repositories({ dataDir, passwords: state.backupPasswords, restic: new Restic({ home }) });
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
    services: state.services,
    onBuilt: images.onBuilt,
    measureDownloads: images.measureDownloads,
    takeOver: (containers: readonly Adopted[], desired: Desired) => takeOver(state, containers, desired),
    backups,
    clock,
    log,
  };
  const carryOut = images.around(createExecutor(executing).execute);
  const execute: typeof carryOut = (run) => carryOut(run).finally(() => drift.touch(run.offer.serviceId));
  const untilDockerAnswers = createDockerGate({ engine, hub, clock });
  const runner = startRunner(
    { state, clock, execute, forgetBackup: createForgetBackup(backups), watch, underWay, untilDockerAnswers, notify },
    scope,
  );
  const jobs = new LocalJobs({ state, clock, runner });
  const schedules = startSchedules({ state, jobs, execs, images, stats, collectFacts, clock, log }, scope);
  const work = {
    schedule: () => schedules.touch(),
    enqueue: (jobId: string) => runner.enqueue(jobId),
    cancel: (jobId: string) => runner.cancel(jobId),
    forget: (serviceId: string) => watch.touch(serviceId),
  };
  const planDeploy: HandlerDeps['planDeploy'] = async (question, signal) => {
    const { dryRun } = await import('./deploy/plan/dry-run.ts'); // most agents are never asked
    return dryRun({ ...executing, services: state.services }, question, signal);
  };
  return { watch, drift, inbox: new Inbox({ state, clock, work }), planDeploy, images };
}

const createDraftAdoption =
  (deps: DraftDeps): HandlerDeps['draftAdoption'] =>
  async (question, signal) => {
    const { draftAdoption } = await import('./adoption/draft.ts'); // most agents are never asked
    return draftAdoption(deps, question, signal);
  };

function takeOver(state: AgentState, containers: readonly Adopted[], desired: Desired): void {
  state.transact(() => {
    state.adopted.put(containers);
    for (const id of new Set(containers.map(({ serviceId }) => serviceId))) state.services.setDesired(id, desired);
  });
}

/** At each welcome: remember who we are to control, then send it what it has not got. */
function followLink(
  link: Link,
  { state, destination, clock, log }: { state: AgentState; destination: Destination; clock: Clock; log: Logger },
): AgentHandle {
  const listeners: (() => void)[] = [];
  link.onUp((peer, { hostId, epoch, nextEventSeq }) => {
    state.transact(() => {
      rememberEnrolment(state.meta, destination, hostId);
      state.meta.raise('epoch', epoch);
    });
    void pumpOutbox({ state, clock, log }, peer, nextEventSeq);
    for (const listener of listeners) listener();
  });
  return {
    get hostId() {
      return state.meta.get('hostId');
    },
    get isConnected() {
      return link.current !== undefined;
    },
    onConnected(listener) {
      listeners.push(listener);
      if (link.current) listener();
    },
    onDisconnected: (listener) => link.onDown(listener),
  };
}

const describeHost = ({ meta, outbox, journal, services }: AgentState, facts: HostFacts): HostReport => ({
  bootId: readBootId(),
  commandSeq: meta.number('commandSeq'),
  events: outbox.range(),
  epoch: meta.number('epoch'),
  openJobs: journal.openIds(),
  services: services.revisions(),
  facts,
});

const orNull = (version: Promise<string>) => version.catch(() => null);

function hostDeps(config: AgentConfig, deps: AgentDeps, { meta }: AgentState, { engine, compose }: Docker): HostDeps {
  return {
    dataDir: config.dataDir,
    meta,
    agentVersion: deps.agentVersion,
    fetchDockerVersion: () => orNull(engine.version().then(({ version }) => version)),
    fetchComposeVersion: () => orNull(compose.version()),
  };
}
