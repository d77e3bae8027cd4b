// The agent from top to bottom: a list of parts, each of which cleans up after itself. `longshore agent` runs it alone,
// `longshore up` beside control in the same process. Stopping it stops no service.
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { newInstanceId } from '#shared/ids.ts';
import type { Progress } from '#shared/jobs.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { ServiceSample } from '#shared/model.ts';
import { loadIdentity } from '#shared/protocol/identity.ts';
import type { HostSample } from '#shared/stats.ts';
import type { Clock } from '#shared/time.ts';
import { Containers } from './containers/containers.ts';
import { updateNotesIn } from './containers/update-notes.ts';
import { Discovery } from './adoption/discovery.ts';
import type { DraftDeps } from './adoption/draft.ts';
import type { AgentConfig } from './config.ts';
import { Reviews } from './deploy/ai/reviews.ts';
import { clearScratch } from './deploy/plan/scratch.ts';
import { History } from './deploy/revisions/history.ts';
import { describeHost, hostDeps } from './describe-host.ts';
import { startDocker } from './docker-parts.ts';
import { findLogFileBy } from './docker/log-path.ts';
import { createContainerLogs, createLogStreamer } from './docker/logs.ts';
import { DriftDesk } from './drift/desk.ts';
import { destinationOf, rememberEnrolment } from './enrolment.ts';
import { Execs } from './exec/execs.ts';
import { startFactsReport, withOutage } from './facts-report.ts';
import { withProbes } from './health/probed-engine.ts';
import { startProbes } from './health/probes.ts';
import { collectHostFacts } from './host.ts';
import { startEdge } from './ingress/start.ts';
import { createKeptLogs } from './kept-logs/kept-logs.ts';
import type { HealingLimits } from './healing/limits.ts';
import { createAskAi } from './link/ask-ai.ts';
import type { Destination, HostReport } from './link/connection.ts';
import { createHandlers, type HandlerDeps } from './link/handlers.ts';
import { pumpOutbox } from './link/outbox-pump.ts';
import { startLink, type Link } from './link/session.ts';
import { startLocal } from './local/local.ts';
import { isOf } from './owner.ts';
import { loadPolicy } from './policy.ts';
import type { SearchDeps, Searches } from './search/searches.ts';
import { followMask } from './secrets/mask.ts';
import { watchStanding, type StandingWatch } from './standing-facts.ts';
import { openState, type AgentState } from './state/open.ts';
import { startRetention } from './state/retention.ts';
import { KERNEL_FOLDERS } from './stats/cgroup-files.ts';
import { startStats } from './stats/stats.ts';
import { findInstallDir } from './upgrade/place.ts';
import { sayConnected } from './upgrade/say-connected.ts';
import type { UpgradeDeps, Upgrades } from './upgrade/upgrades.ts';
import { startJobs } from './work.ts';

/** Of whom releases are taken; install.sh puts it there. */
const RELEASE_KEY = '/etc/longshore/release.pub';

export interface AgentDeps {
  clock: Clock;
  log: Logger;
  /** Uniform in [0, 1): spreads reconnects. */
  random: () => number;
  agentVersion: string;
  /** Host ports that no service may publish: the control plane's, when it runs here too. */
  reservedPorts?: readonly number[];
  /** How patient healing is; by itself as documented. */
  healing?: HealingLimits;
}

export interface AgentHandle extends StandingWatch {
  /** Undefined until control has welcomed this host for the first time. */
  readonly hostId: string | undefined;
  readonly isConnected: boolean;
  /** Calls back at each welcome, and at once when the link is up already. */
  onConnected(listener: () => void): void;
}

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
  const collect = withOutage(() => collectHostFacts(hostDeps(config, deps.agentVersion, state, docker)), clock);
  const facts = startFactsReport({ state, clock, log, collect }, scope);
  docker.client.breaker.onChange(() => facts.touch());

  let link: Link | undefined;
  const notify = (progress: Progress) => link?.current?.notify('job.progress', progress);
  const askAi = createAskAi({ findPeer: () => link?.current, clock });
  await clearScratch(config.dataDir);
  const policy = await loadPolicy();
  const probes = startProbes({ ...docker, ...deps, services: state.services, policy }, scope);
  const probed = { ...docker, engine: withProbes(docker.engine, probes) };
  const { socketPath, engine, hub } = probed;
  const tell = (samples: ServiceSample[]) => link?.current?.notify('services.samples', { samples });
  const tellHost = (sample: HostSample) => link?.current?.notify('host.sample', sample);
  const { dataDir } = config;
  const stats = startStats({ dataDir, services: state.services, engine, hub, tell, tellHost, clock, log }, scope);
  const execs = new Execs({ engine, services: state.services, policy, clock, log });
  scope.onStop('programs in containers', () => execs.close());
  const findLogFile = findLogFileBy(socketPath);
  const reading = { socketPath, engine, services: state.services, findLogFile, clock, log };
  const keptLogs = createKeptLogs({ ...reading, dataDir, hub });
  keptLogs.start(scope);
  const edge = startEdge({ config, state, docker: probed, findPeer: () => link?.current, clock, log }, scope);
  const { watch, drift, inbox, planDeploy, streamBackup, images, jobs, onRevoked, onWelcome } = startJobs(
    {
      config,
      deps,
      state,
      docker: probed,
      keptLogs,
      probes,
      policy,
      notify,
      askAi,
      edge,
      execs,
      stats,
      collectFacts: collect,
    },
    scope,
  );
  const streamLogs = createLogStreamer({
    socketPath,
    clock,
    log,
    listContainers: async (project, serviceId) => (await engine.listProject(project)).filter(isOf(serviceId)),
    onContainerChange: (project, changed) => hub.subscribe(project, changed),
    projectOf: (serviceId) => state.services.find(serviceId)?.spec.name,
    maskOf: (serviceId) => followMask(state.services, serviceId),
  });
  const containers = new Containers({
    engine,
    services: state.services,
    folders: KERNEL_FOLDERS,
    hostMemoryBytes: totalmem,
    notes: updateNotesIn(state.meta),
    clock,
    log,
    onLeft: () => scope.run('updates of containers', (signal) => containers.recover(signal)),
  });
  scope.run('updates of containers', (signal) => containers.recover(signal));
  const streamContainerLogs = createContainerLogs({
    socketPath,
    clock,
    findContainer: (id) => engine.findContainer(id),
    maskOf: (container) => containers.maskOf(container),
  });
  const history = new History({ dataDir: config.dataDir, services: state.services });
  const observe = (id: string) => watch.observe(id);
  const reviews = new Reviews({ dataDir: config.dataDir, services: state.services });
  const discovery = new Discovery({ engine, services: state.services, edgeProject: config.edgeProject });
  const answers = {
    inbox,
    streamLogs,
    streamContainerLogs,
    containers,
    searchLogs: createSearchLogs({ ...reading, listKept: (id) => keptLogs.list(id) }),
    execs,
    collectFacts: collect,
    observe,
    planDeploy,
    streamBackup,
    history,
    reviews,
    discovery,
    draftAdoption: createDraftAdoption({ dataDir: config.dataDir, engine, compose: docker.compose, discovery }),
    drift: new DriftDesk({ dataDir: config.dataDir, engine, services: state.services, watch: drift }),
    images,
    stats,
    answerUpgrade: createUpgrades({
      ...deps,
      installDir: findInstallDir(import.meta.dirname),
      dataDir,
      releaseKey: RELEASE_KEY,
      way: { url: destination.url, tlsPin: destination.tlsPin, proxies: config.proxies },
      arch: process.arch,
      run: (name, task) => scope.run(name, task),
    }),
  };
  const handlers = createHandlers(answers);
  const describe = async (): Promise<HostReport> => describeHost(state, await facts.describe());
  const identity = loadIdentity(join(config.dataDir, 'agent.key'));
  const { proxies } = config;
  const timing = { clock, random: deps.random, lastWindowMs: config.reconnectMaxS * 1000 };
  const to = { destination, proxies, identity, instanceId: newInstanceId() };
  link = startLink({ ...to, describe, handlers, log, ...timing }, scope);
  link.onUp(() => stats.tellAll());
  link.onUp(onWelcome);
  const { runtimeDir } = config;
  link.onUp(() => void sayConnected(runtimeDir, deps.agentVersion, log).then((isSaid) => isSaid && state.keep()));
  link.onRevoked(onRevoked);
  const { url: controlUrl } = destination;
  const standing = watchStanding({ ...docker, state, link, controlUrl, clock });
  const handle = Object.assign(followLink(link, { state, destination, clock, log }), standing);
  await startLocal({ ...answers, ...deps, state, jobs, engine, link, controlUrl, dataDir }, scope);
  return handle;
}

const createDraftAdoption =
  (deps: DraftDeps): HandlerDeps['draftAdoption'] =>
  async (question, signal) => {
    const { draftAdoption } = await import('./adoption/draft.ts'); // most agents are never asked
    return draftAdoption(deps, question, signal);
  };

function createSearchLogs(deps: SearchDeps): HandlerDeps['searchLogs'] {
  let searches: Promise<Searches> | undefined;
  return async (request, writer, opened) => {
    searches ??= import('./search/searches.ts').then((part) => new part.Searches(deps)); // most agents are never asked
    return (await searches).stream(request, writer, opened);
  };
}

function createUpgrades(deps: UpgradeDeps): HandlerDeps['answerUpgrade'] {
  let upgrades: Promise<Upgrades> | undefined;
  return async (order) => {
    upgrades ??= import('./upgrade/upgrades.ts').then((part) => new part.Upgrades(deps)); // rarely asked
    return (await upgrades).answer(order);
  };
}

/** At each welcome: remember who we are to control, then send it what it has not got. */
function followLink(
  link: Link,
  { state, destination, clock, log }: { state: AgentState; destination: Destination; clock: Clock; log: Logger },
): Omit<AgentHandle, keyof StandingWatch> {
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
  };
}
