// What the rest of the agent sees of deploys: run a job, and look at a service. Built by createExecutor (engine.ts).
import type { Logger } from '#shared/log.ts';
import type { Health, Lifecycle } from '#shared/model.ts';
import type { PolicyFile } from '#shared/compose/rules.ts';
import type { Clock } from '#shared/time.ts';
import type { OpenFolders } from '../backup/folders/volume-folders.ts';
import type { Repositories } from '../backup/repositories.ts';
import type { Compose } from '../docker/compose.ts';
import type { Container, Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { HealthCheck } from '../health/health-check.ts';
import type { Adopted } from '../state/adopted.ts';
import type { AskAi } from './ai/question.ts';
import type { ExecuteJob } from './job-run.ts';
import type { Desired } from './observe.ts';
import type { MeasureDownloads } from './plan/downloads.ts';

export interface ExecutorDeps {
  /** Services live in `<dataDir>/services/<name>`. */
  dataDir: string;
  engine: Engine;
  compose: Compose;
  events: Pick<EventHub, 'subscribe'>;
  /** Both sections of the host's policy; see loadPolicy in agent/policy.ts. */
  policy: PolicyFile;
  /** Host ports that no service may publish: the control plane's and the agent's own. */
  reservedPorts: () => readonly number[];
  /** Compose project of what answers to names here: no service may have its name. */
  edgeProject: string;
  /** Where an operator's own ssh keys are. */
  home: string;
  /** Where git and ssh are looked for. */
  searchPath: string;
  /** Whether `file://` repositories are fetched. */
  allowsFileGit: boolean;
  /** In front of every image that a recipe builds from; empty for Docker Hub itself. */
  buildImagePrefix: string;
  /** Called after each build; returns at once. */
  onBuilt: () => void;
  measureDownloads: MeasureDownloads;
  askAi: AskAi;
  /** Nobody new comes to these containers when this returns: they are about to go. */
  leaveEdge: (containerIds: Iterable<string>) => Promise<void>;
  /** Secrets of a service, those of now and of before. */
  services: { secretsOf(id: string): string[] };
  backups: Repositories;
  /** Where restored files go. */
  openFolders: OpenFolders;
  /** Notes containers as a service's own, and whether it is wanted to run. Throws `state_conflict` where another has one. */
  takeOver: (containers: readonly Adopted[], desired: Desired) => void;
  /** From now on a service's containers are asked these, besides Docker's own health checks. */
  judgeBy: (serviceId: string, checks: readonly HealthCheck[]) => void;
  clock: Clock;
  log: Logger;
}

/** A service as Docker shows it now; the caller adds `deploying`, the revision and the time. */
export interface Observation {
  lifecycle: Lifecycle;
  health: Health;
  reason: string | null;
  /** With more than a ContainerView; `toContainerView` makes one for the wire. */
  containers: Container[];
}

export interface Executor {
  execute: ExecuteJob;
  /** One list call to Docker. Fails with `docker_unavailable`. */
  observe(service: { id: string; name: string }, desired: Desired): Promise<Observation>;
}
