// A host as the deploy engine needs one: the real Docker, real Compose, a data folder of its own. Jobs run through a
// step runner that writes down what happened instead of journalling it.
import { join } from 'node:path';
import type { Test } from 'tap';
import { ownFolders } from '../../agent/backup/folders/own-folders.ts';
import type { Repositories } from '../../agent/backup/repositories.ts';
import type { ResticOptions } from '../../agent/backup/restic.ts';
import type { AskAi } from '../../agent/deploy/ai/question.ts';
import type { MeasureDownloads } from '../../agent/deploy/plan/downloads.ts';
import { dryRun, type DryRunDeps } from '../../agent/deploy/plan/dry-run.ts';
import { createExecutor, type Executor, type ExecutorDeps } from '../../agent/deploy/engine.ts';
import type { ExecuteJob, JobOutcome, StepRunner, StepUpdate } from '../../agent/deploy/job-run.ts';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { createCompose, findComposePlugin } from '../../agent/docker/compose.ts';
import { withAdopted } from '../../agent/docker/adopted-engine.ts';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import type { Engine } from '../../agent/docker/engine.ts';
import { AdoptedTable } from '../../agent/state/adopted.ts';
import { MIGRATIONS } from '../../agent/state/schema.ts';
import { secretsOf } from '../../agent/secrets/mask.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobKind, JobOffer, JobStep } from '#shared/jobs.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { DeployPlan } from '#shared/protocol/deploy-parts.ts';
import { openSqlite } from '#shared/sqlite.ts';
import { systemClock } from '#shared/time.ts';
import { backupsIn, type SettingsById } from './backups.ts';
import { ensureImages, uniqueProject } from './docker.ts';
import { makeFolder } from './folder.ts';

export const SOCKET = '/var/run/docker.sock';

/** Steps as they went: `apply running`, `apply done`; and everything that was said, with its step. */
export class StepLog implements StepRunner {
  readonly lines: string[] = [];
  readonly said: string[] = [];
  readonly #interrupted: Partial<Record<JobStep, number>>;
  /** Called when a step begins; a test may cancel or kill here. */
  onStep: (step: JobStep) => void = () => undefined;
  onSay: (step: JobStep, update: StepUpdate) => void = () => undefined;

  constructor(interrupted: Partial<Record<JobStep, number>> = {}) {
    this.#interrupted = interrupted;
  }

  async run<T>(step: JobStep, work: (say: (update: StepUpdate) => void) => Promise<T>): Promise<T> {
    this.onStep(step);
    try {
      const result = await work((update) => {
        if (update.message !== undefined) this.said.push(`${step}: ${update.message}`);
        this.onSay(step, update);
      });
      this.lines.push(`${step} done`);
      return result;
    } catch (error) {
      this.lines.push(`${step} failed`);
      throw error;
    }
  }

  skip(step: JobStep): void {
    this.lines.push(`${step} skipped`);
  }

  interruptedAt(step: JobStep): number | undefined {
    return this.#interrupted[step];
  }
}

export interface RunOptions {
  kind?: JobKind;
  pull?: JobOffer['pull'];
  backupId?: string;
  rollbackTo?: number;
  adopts?: JobOffer['adopts'];
  approves?: string;
  repository?: JobOffer['repository'];
  backupOf?: string;
  steps?: StepLog;
  signal?: AbortSignal;
}

type PlanOptions = Pick<RunOptions, 'pull' | 'approves' | 'signal'> & { grant?: string };

export class DeployHost {
  readonly engine: Engine;
  readonly executor: Executor;
  readonly backups: Repositories;
  /** How services are backed up, by id: what control would have told. */
  readonly backupSettings: SettingsById;
  readonly dataDir: string;
  /** What the agent's journal would know. */
  goodRevision: number | null = null;
  /** Whom AI deploys ask; by itself there is nobody. */
  askAi: AskAi = async () => null;
  /** Which registries plans ask; by itself there is none. */
  measureDownloads: MeasureDownloads = async () => new Map();
  /** What the agent does around a job. */
  around: (execute: ExecuteJob) => ExecuteJob = (execute) => execute;
  spec: ServiceSpec;

  readonly #deps: ExecutorDeps;

  constructor(deps: ExecutorDeps, spec: ServiceSpec) {
    this.#deps = deps;
    this.engine = deps.engine;
    this.executor = createExecutor(deps);
    this.backups = deps.backups;
    this.backupSettings = settingsOf(deps);
    this.dataDir = deps.dataDir;
    this.spec = spec;
  }

  get folder(): string {
    return join(this.dataDir, 'services', this.spec.name);
  }

  /** Runs one job as the agent would, and remembers the good revision. */
  async run({ kind = 'deploy', steps = new StepLog(), signal, ...optional }: RunOptions = {}): Promise<JobOutcome> {
    const { id: serviceId, revision } = this.spec;
    const outcome = await this.around(this.executor.execute)({
      offer: { jobId: `job_${revision}`, serviceId, kind, epoch: 1, ...optional },
      service: { spec: this.spec, goodRevision: this.goodRevision },
      steps,
      signal: signal ?? new AbortController().signal,
    });
    this.goodRevision = outcome.goodRevision;
    return outcome;
  }

  /** The next revision with these changes, deployed. */
  deploy(change: Partial<ServiceSpec> = {}, options: RunOptions = {}): Promise<JobOutcome> {
    this.spec = { ...this.spec, ...change, revision: this.spec.revision + 1 };
    return this.run(options);
  }

  /** The next revision, which puts an earlier one back; `source` is what that was made from. */
  rollBack(rollbackTo: number, source: Partial<ServiceSpec>, options: RunOptions = {}): Promise<JobOutcome> {
    return this.deploy(source, { ...options, kind: 'rollback', rollbackTo });
  }

  /** What `deploy` with the same would do. */
  plan(change: Partial<ServiceSpec> = {}, options: PlanOptions = {}): Promise<DeployPlan> {
    const { signal = new AbortController().signal, ...asked } = options;
    const spec = { ...this.spec, ...change, revision: this.spec.revision + 1 };
    const { measureDownloads } = this;
    return dryRun({ ...this.#deps, measureDownloads, services: this.services }, { spec, ...asked }, signal);
  }

  /** The agent's table of services, with this one in it once it was deployed. */
  get services(): DryRunDeps['services'] {
    const { spec, goodRevision } = this;
    const state = {
      desired: 'running',
      isEnabled: true,
      failure: null,
      forgetRevision: null,
      report: null,
      drift: null,
      healing: null,
    } as const;
    return {
      find: (id) => (id === spec.id && goodRevision !== null ? { spec, goodRevision, ...state } : undefined),
      secretsOf: () => secretsOf(spec),
    };
  }

  /** Compose service → container id. */
  async containerIds(): Promise<Record<string, string>> {
    const containers = await this.engine.listProject(this.spec.name);
    return Object.fromEntries(containers.map(({ service, id }) => [service, id]));
  }

  /** By service: which container runs and since when; the same again means that nobody has touched it. */
  async standing(): Promise<Record<string, string>> {
    const containers = await this.engine.listProject(this.spec.name);
    return Object.fromEntries(containers.map(({ service, id, startedAt }) => [service, `${id} ${startedAt}`]));
  }
}

/** Everything it makes is removed when the test ends. */
export async function startDeployHost(
  t: Test,
  prefix: string,
  spec: Partial<ServiceSpec> = {},
  restic: Partial<ResticOptions> = {},
): Promise<DeployHost> {
  const deps = await startDeployParts(t, restic);
  const host = new DeployHost(
    { ...deps, askAi: (...question) => host.askAi(...question) },
    specFor(uniqueProject(t, prefix), spec),
  );
  return host;
}

/** What any number of deploy hosts can share. */
export function startDeployParts(t: Test, restic: Partial<ResticOptions> = {}): Promise<ExecutorDeps> {
  const stopped = new AbortController();
  t.teardown(() => stopped.abort());
  return deployParts(makeFolder(t, 'host'), stopped.signal, restic);
}

/** The same without a test; `stopped` ends what listens to Docker. */
export async function deployParts(
  dataDir: string,
  stopped: AbortSignal,
  restic: Partial<ResticOptions> = {},
): Promise<ExecutorDeps> {
  await ensureImages();
  return partsIn(dataDir, stopped, restic);
}

/** With images that are there already. */
export function partsIn(dataDir: string, stopped: AbortSignal, restic: Partial<ResticOptions> = {}): ExecutorDeps {
  const settings: SettingsById = new Map();
  const backups = backupsIn(dataDir, restic, settings);
  const adopted = new AdoptedTable(openSqlite(':memory:', MIGRATIONS));
  const engine = withAdopted(createDockerEngine({ socketPath: SOCKET }), adopted);
  const binary = findComposePlugin(dataDir);
  if (binary === undefined) throw new Error('Docker Compose is not installed');
  const deps: ExecutorDeps = {
    dataDir,
    engine,
    compose: createCompose({ binary, socketPath: SOCKET, home: dataDir, loginDir: join(dataDir, 'logins') }),
    events: startEventHub({ engine, clock: systemClock, log: silentLogger() }, stopped),
    policy: DEFAULT_POLICY,
    reservedPorts: () => [],
    edgeProject: 'longshore-edge',
    home: dataDir,
    searchPath: SYSTEM_PATH,
    allowsFileGit: true,
    onBuilt: () => undefined,
    takeOver: (containers) => adopted.put(containers),
    judgeBy: () => undefined,
    buildImagePrefix: 'longshore-test/',
    askAi: async () => null,
    leaveEdge: async () => undefined,
    measureDownloads: async () => new Map(),
    services: { secretsOf: () => [] },
    backups,
    openFolders: () => ownFolders,
    clock: systemClock,
    log: silentLogger(),
  };
  SETTINGS.set(backups, settings);
  return deps;
}

/** Settings go into repositories when they are made; tests choose them later. */
const SETTINGS = new WeakMap<Repositories, SettingsById>();
const settingsOf = ({ backups }: Pick<ExecutorDeps, 'backups'>): SettingsById => SETTINGS.get(backups) ?? new Map();

export function specFor(name: string, spec: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    id: `svc_${name.replaceAll('-', '')}`,
    name,
    customerId: null,
    revision: 0,
    method: 'compose',
    compose: '',
    variables: {},
    secretNames: [],
    template: null,
    files: {},
    labels: {},
    rollbackOnFailure: true,
    healthTimeoutS: 20,
    ...spec,
  };
}
