// Puts the app layer together: one object for routes, sockets and background work, and the parts the agent links need.
import { Access } from './access/access.ts';
import { AiGrants } from './deploys/ai-grants.ts';
import type { App } from './api/app.ts';
import type { Bus } from './api/live.ts';
import type { DeliveryQueue } from './api/webhooks.ts';
import { AdoptionDesk } from './deploys/adoption.ts';
import type { AppDeps } from './app-deps.ts';
import { AuditDesk } from './audit.ts';
import { BackupDesk } from './backups/desk.ts';
import { DownloadDesk } from './backups/download.ts';
import { BackupRepositoryDesk } from './backups/repositories.ts';
import { SettingsDesk } from './backups/settings.ts';
import { createBus } from './bus.ts';
import { ContainerDesk } from './containers/desk.ts';
import { CustomerRules } from './customers/customer-rules.ts';
import { createStorageOf } from './customers/customer-storage.ts';
import { CustomerDesk } from './customers/customers.ts';
import { DeployPlanDesk } from './deploys/deploy-plans.ts';
import { Edges } from './domains/edges.ts';
import { DomainDesk } from './domains/desk.ts';
import { HostEdgeDesk } from './domains/host-edges.ts';
import { EdgeKeeper } from './domains/keeper.ts';
import { DnsKeeper } from './dns/keeper.ts';
import { ZoneCalls } from './dns/zone-calls.ts';
import { DnsZoneDesk } from './dns/zones.ts';
import { DriftDesk } from './deploys/drift.ts';
import { ExecDesk } from './exec/exec.ts';
import { DeployKeyDesk } from './git/deploy-keys.ts';
import { GitHookDesk } from './git/git-hooks.ts';
import { Drains } from './hosts/drains.ts';
import { HostCareDesk } from './hosts/host-care.ts';
import { HostDesk } from './hosts/hosts.ts';
import { JoinRefusals } from './hosts/join-refusals.ts';
import { JoinTokenDesk } from './hosts/join-tokens.ts';
import { IdempotencyDesk } from './idempotency.ts';
import { IncidentDesk } from './incidents/desk.ts';
import { IncidentLog } from './incidents/incident-log.ts';
import { JobCancels } from './jobs/job-cancels.ts';
import { JobEnds } from './jobs/job-ends.ts';
import { JobStarts } from './jobs/job-starts.ts';
import { JobWaiters } from './jobs/job-waiters.ts';
import { JobDesk } from './jobs/jobs.ts';
import { KeyDesk } from './access/keys.ts';
import { LoginDesk } from './access/login.ts';
import { LogSearchDesk } from './log-search/desk.ts';
import { MetricsDesk } from './metrics.ts';
import { MoveDesk } from './moves/desk.ts';
import { HostRestores } from './moves/host-restores.ts';
import { Moves } from './moves/moves.ts';
import { MoveRunner } from './moves/runner.ts';
import { PlanDesk } from './customers/plans.ts';
import { ProposalDesk } from './deploys/proposals.ts';
import { RegistryDesk } from './registries/registries.ts';
import { ReleaseFolder } from './releases.ts';
import { RevisionDesk } from './deploys/revisions.ts';
import { ServiceJobs } from './services/service-jobs.ts';
import { ServiceDesk } from './services/services.ts';
import { SessionDesk } from './access/sessions.ts';
import { Standstill } from './services/standstill.ts';
import { planSet } from './sets/create-set.ts';
import { ServiceSetDesk } from './sets/desk.ts';
import { SetMembers } from './sets/members.ts';
import { RolloutRunner } from './sets/rollout-runner.ts';
import { Rollouts } from './sets/rollouts.ts';
import { StatsDesk } from './stats.ts';
import { Suspension } from './customers/suspension.ts';
import { TemplateShelf } from './templates/template-shelf.ts';
import { TemplateDesk } from './templates/templates.ts';
import { AutoUpdates } from './updates/auto-updates.ts';
import { ImageDesk } from './updates/images.ts';
import { HostUpgradeDesk } from './upgrades/desk.ts';
import { UpgradeRunner } from './upgrades/runner.ts';
import { Upgrades } from './upgrades/upgrades.ts';
import { UsageBoard } from './services/usage-board.ts';
import { VariableDesk } from './variables/variables.ts';
import { SystemDesk } from './system/desk.ts';
import { ScheduleDesk } from './schedules/desk.ts';
import { WebhookDesk } from './webhooks/desk.ts';
import { WebhookQueue } from './webhooks/queue.ts';

export interface AppParts {
  app: App & { keys: KeyDesk; sessions: SessionDesk; gitHooks: GitHookDesk; domains: DomainDesk };
  access: Access;
  bus: Bus;
  starts: JobStarts;
  ends: JobEnds;
  usage: UsageBoard;
  deliveries: DeliveryQueue;
  rollouts: RolloutRunner;
  upgrades: UpgradeRunner;
  moves: MoveRunner;
  autoUpdates: AutoUpdates;
  dnsKeeper: DnsKeeper;
  edgeKeeper: EdgeKeeper;
  aiGrants: AiGrants;
  joinRefusals: JoinRefusals;
  incidents: IncidentLog;
}

export function createApp(deps: AppDeps): AppParts {
  const { stores, links, reservedPorts, allowsFileGit = false, publicUrl, clock, log } = deps;
  const bus = createBus(log);
  const access = new Access(stores);
  const incidents = new IncidentLog(stores);
  const usage = new UsageBoard({ stores, bus, clock });
  const audit = new AuditDesk({ stores, access, clock, log });
  const effects = new IdempotencyDesk(stores, audit, clock);
  const waiters = new JobWaiters(clock);
  const starts = new JobStarts(stores, links, clock);
  const ends = new JobEnds(stores, bus, waiters);
  const cancels = new JobCancels({ stores, starts, ends, clock });
  const storageOf = createStorageOf(stores, usage);
  const customerRules = new CustomerRules(stores, storageOf);
  const standstill = new Standstill({ stores, starts, ends, cancels, clock });
  const suspension = new Suspension({ stores, standstill, clock });
  const serviceJobs = new ServiceJobs({ stores, access, starts, ends, cancels, customerRules, links, clock });
  const jobs = new JobDesk({ stores, access, effects, serviceJobs, waiters });
  const shelf = new TemplateShelf(stores, deps.templates);
  const create = { stores, access, starts, customerRules, links, shelf, reservedPorts, allowsFileGit, bus, clock };
  const templates = deps.templates;
  const update = { stores, access, customerRules, serviceJobs, shelf, templates, reservedPorts, clock };
  const members = new SetMembers({ stores, create, customerRules, serviceJobs, clock });
  const rollouts = new Rollouts({ stores, links, members, cancels, waiters, clock });
  const runner = new RolloutRunner({ stores, rollouts, log });
  runner.watch(bus);
  const keys = new KeyDesk(stores, effects, customerRules, clock);
  const sessions = new SessionDesk(stores, effects, clock);
  const aiGrants = new AiGrants(clock);
  const deployPlans = new DeployPlanDesk({
    stores,
    access,
    customerRules,
    serviceJobs,
    links,
    create,
    update,
    clock,
    aiGrants,
  });
  const services = new ServiceDesk({
    stores,
    access,
    effects,
    jobs,
    serviceJobs,
    create,
    planSet: (caller, input) => planSet({ ...create, rollouts }, caller, input),
    update,
    enablement: { stores, access, links, clock },
    plans: deployPlans,
    usage,
  });
  const sets = new ServiceSetDesk({ stores, access, effects, customerRules, links, rollouts, runner, waiters, update });
  const redeploySet = sets.redeployPushed.bind(sets);
  const gitHooks = new GitHookDesk({ stores, access, effects, serviceJobs, redeploySet, publicUrl, log });
  gitHooks.watch(bus);
  const hosts = new HostDesk({ ...deps, access, effects, ends, usage, incidents });
  const joinRefusals = new JoinRefusals(clock);
  const joinTokens = new JoinTokenDesk({
    tlsPinFor: () => undefined,
    ...deps,
    access,
    effects,
    refusals: joinRefusals,
    findHost: (caller, id) => hosts.find(caller, id),
  });
  const releases = new ReleaseFolder(deps.distDir);
  const upgrades = new Upgrades({ stores, links, clock });
  const upgradeRunner = new UpgradeRunner({ stores, links, upgrades, log });
  const moves = new Moves({ stores, starts, cancels, links, clock });
  const moveRunner = new MoveRunner({ stores, moves, log });
  moveRunner.watch(bus);
  const restores = new HostRestores({ stores, links, moves, clock });
  const drains = new Drains({ stores, standstill });
  const metrics = new MetricsDesk({ stores, hosts, services, links });
  const adoption = new AdoptionDesk({ access, effects, links, create, services });
  const edges = new Edges(stores, deps.edge);
  const zoneCalls = new ZoneCalls({ stores, openProvider: deps.openDnsProvider, owner: deps.controlPin, clock });
  const app = {
    services,
    adoption,
    sets,
    deployPlans,
    gitHooks,
    deployKeys: new DeployKeyDesk({ stores, access, effects }),
    revisions: new RevisionDesk({ stores, access, effects, serviceJobs, services, links }),
    exec: new ExecDesk({ stores, access, audit, effects, customerRules, links, clock, log }),
    drift: new DriftDesk({ stores, access, effects, customerRules, serviceJobs, services, links, reservedPorts }),
    domains: new DomainDesk({ stores, access, effects, edges, resolveName: deps.resolveName, publicUrl, clock }),
    hostEdges: new HostEdgeDesk({ stores, access, effects, edges, clock }),
    dnsZones: new DnsZoneDesk({ stores, access, effects, calls: zoneCalls, clock }),
    proposals: new ProposalDesk({
      stores,
      access,
      effects,
      serviceJobs,
      plans: deployPlans,
      services,
      ends,
      links,
      clock,
    }),
    jobs,
    backups: new BackupDesk({ stores, access, effects, jobs, serviceJobs, create, links, clock }),
    backupRepositories: new BackupRepositoryDesk({ stores, access, effects, links, clock }),
    backupDownloads: new DownloadDesk({ stores, access, links }),
    backupSettings: new SettingsDesk({ stores, access, effects, links, clock }),
    customers: new CustomerDesk({ stores, access, effects, keys, sessions, suspension, storageOf, clock }),
    plans: new PlanDesk({ stores, access, effects, clock }),
    registries: new RegistryDesk({ stores, access, effects, customerRules, clock }),
    images: new ImageDesk({ stores, access, effects, services, links, clock }),
    hosts,
    hostCare: new HostCareDesk({ stores, access, effects, hosts, drains, ends, links, incidents, bus, clock }),
    hostUpgrades: new HostUpgradeDesk({ ...deps, access, effects, releases, upgrades, runner: upgradeRunner }),
    moves: new MoveDesk({
      stores,
      access,
      effects,
      customerRules,
      serviceJobs,
      links,
      moves,
      runner: moveRunner,
      restores,
    }),
    incidents: new IncidentDesk({ stores, access }),
    joinTokens,
    containers: new ContainerDesk({ stores, access, links, services, jobs }),
    stats: new StatsDesk({ access, links }),
    logSearch: new LogSearchDesk({ stores, access, links, clock }),
    metrics,
    system: new SystemDesk({ ...deps.self, stores, hosts, control: () => metrics.control(), clock }),
    keys,
    sessions,
    login: new LoginDesk({ stores, sessions, settings: deps.login, publicUrl, clock }),
    releases,
    templates: new TemplateDesk({ ...deps, effects, shelf }),
    webhooks: new WebhookDesk({ ...deps, effects }),
    schedules: new ScheduleDesk({ stores, access, effects, links, clock }),
    variables: new VariableDesk({ stores, access, effects, customerRules, clock }),
    audit,
    idempotency: effects,
    bus,
    readiness: deps.readiness,
  };
  const autoUpdates = new AutoUpdates({ stores, serviceJobs, links, clock, log });
  return {
    app,
    access,
    bus,
    starts,
    ends,
    usage,
    autoUpdates,
    edgeKeeper: new EdgeKeeper({ stores, edges, links, clock, log }),
    dnsKeeper: new DnsKeeper({ stores, calls: zoneCalls, wantedNames: () => edges.wantedNames(), clock, log }),
    rollouts: runner,
    upgrades: upgradeRunner,
    moves: moveRunner,
    deliveries: new WebhookQueue(stores, deps.webhookFormats, clock),
    aiGrants,
    joinRefusals,
    incidents,
  };
}
