// The port to Docker: only the calls we use, each saying what happens when the thing is already so. Implemented by
// docker-engine.ts (dockerode) and, in tests, by a fake that passes the same contract (test/docker/engine.test.ts).
//
// Every call has a deadline of its own and fails with `docker_unavailable` when the socket is gone or silent,
// `port_taken` and `image_unavailable` for what those names say, and `docker_error` for any other refusal.
import type { ContainerView, RegistryLogin } from '#shared/model.ts';
import type { DockerDisk } from '#shared/stats.ts';
import type { LiveContainer } from './live-container.ts';
import type { ExecOptions, RunningExec } from './running-exec.ts';
import type { SealedSetup } from './sealed-setup.ts';

/** Deadlines in milliseconds. A stop has the container's grace period on top. */
export const ENGINE_DEADLINES = {
  ping: 5_000,
  list: 5_000,
  inspect: 10_000,
  change: 30_000,
  /** Docker deletes file by file. */
  remove: 5 * 60_000,
  pull: 30 * 60_000,
  /** Docker walks every file of every volume. */
  measure: 5 * 60_000,
} as const;

/** A container with what deploys and healing need beyond the public view. */
export interface Container extends ContainerView {
  /** Compose project; empty for a container that Compose did not make. */
  project: string;
  labels: Readonly<Record<string, string>>;
  /** A service took it over as it was (docker/adopted-engine.ts). */
  isAdopted: boolean;
  /** What its interfaces count is its own: not the host's, nor another container's. */
  hasOwnNetwork: boolean;
  /** Where this host reaches it; null for one without a network of its own that is up. */
  address: string | null;
  /** Ids of containers whose namespaces it lives in, the one of its network first. */
  joins: readonly string[];
  /** Docker removes it when it stops: `docker run --rm`. */
  removesItself: boolean;
  hasHealthCheck: boolean;
  restartPolicy: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** How often Docker's own restart policy has brought it back. */
  restartCount: number;
  oomKilled: boolean;
  /** Milliseconds since the epoch; 0 while it has never stopped. */
  finishedAt: number;
  /** What the last health check printed; empty without one. */
  probeOutput: string;
  /** Health checks that failed in a row. */
  failingStreak: number;
  /** When the last health check ended, milliseconds since the epoch; 0 before the first. */
  probedAt: number;
  /** Of its first process on the host; 0 while it does not run. */
  pid: number;
  /** Cores; null without a limit. */
  cpuLimit: number | null;
  memoryLimitBytes: number | null;
}

/** How a container was made, as far as people are shown it. */
export interface ContainerSetup {
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** A folder of the host, or the name of a volume. */
  mounts: { source: string; destination: string }[];
  /** `NAME=value`, those of its image among them. */
  env: string[];
}

/** What the plain list tells without an inspect: enough to find clashes. */
export interface ContainerSummary {
  id: string;
  name: string;
  project: string;
  state: ContainerView['state'];
  labels: Readonly<Record<string, string>>;
  ports: ContainerView['ports'];
}

export interface Image {
  id: string;
  tags: string[];
  /** `name@sha256:…` as registries know it; empty for an image that was built here. */
  digests: string[];
  sizeBytes: number;
  /** What it was made for: `amd64`. */
  architecture: string;
  hasHealthCheck: boolean;
  /** Paths where a container of it gets a volume of its own. */
  volumes: string[];
  /** TCP ports that it says it listens on, the lowest first. */
  ports: number[];
}

export interface EngineVersion {
  version: string;
  apiVersion: string;
  /** Where Docker keeps images and volumes; for the free-space check. */
  rootDir: string;
  /** Cores of the host; no container can be given more. */
  cpus: number;
  /** As images have it: `amd64`. */
  architecture: string;
}

/** Counters of a running container, from its start on. Null is not known, or not its own. */
export interface ContainerUsage {
  /** CPU time since it started, in nanoseconds. */
  cpuNanos: number;
  /** Without the file cache that the kernel would give back at once: what `docker stats` shows. */
  memoryBytes: number;
  /** Of all its interfaces but loopback. */
  rxBytes: number | null;
  txBytes: number | null;
  /** From and to block devices: what the page cache answers is not counted. */
  readBytes: number | null;
  writeBytes: number | null;
  /** Processes and threads now. */
  pids: number | null;
}

export interface Volume extends Named {
  /** Where its files are on the host. */
  mountpoint: string;
  /** A plain folder of this host: not one that a driver or a mount option brings from elsewhere. */
  isPlain: boolean;
}

export interface VolumeSize {
  name: string;
  /** Compose project; empty for a volume that Compose did not make. */
  project: string;
  /** Null where Docker cannot measure it. */
  sizeBytes: number | null;
}

/** One line of Docker's event stream about a container, or about a network that one joins or leaves. */
export interface EngineEvent {
  action: string;
  containerId: string;
  /** Empty where Compose did not make it, and for a network. */
  project: string;
  service: string;
  /** Milliseconds since the epoch. */
  at: number;
  exitCode: number | null;
}

export interface PullUpdate {
  percent: number;
  message: string;
}

export interface PullOptions {
  onProgress?: (update: PullUpdate) => void;
  signal?: AbortSignal;
  /** As in Compose: `linux/arm64`. */
  platform?: string | undefined;
  /** For the image's registry; without one the pull is anonymous. */
  login?: RegistryLogin | undefined;
}

export interface Named {
  id: string;
  name: string;
  labels: Readonly<Record<string, string>>;
}

export interface Engine {
  /** Resolves when Docker answers. */
  ping(): Promise<void>;
  version(): Promise<EngineVersion>;
  /** Another text after each start of the engine that ended its containers. */
  instance(): Promise<string>;

  /** Every container of a Compose project, also stopped ones, ordered by name. An unknown project has none. */
  listProject(project: string): Promise<Container[]>;
  /** Every container that carries the label `longshore.service`. */
  listManaged(): Promise<Container[]>;
  /** Every container of the host, without inspecting any. */
  listAll(): Promise<ContainerSummary[]>;
  findContainer(id: string): Promise<Container | undefined>;
  findSetup(id: string): Promise<ContainerSetup | undefined>;
  /** How a project's containers are set up, ordered by name. Inspects each and its image: not for every glance. */
  describeProject(project: string): Promise<LiveContainer[]>;
  /** The same of these containers, whoever made them; an absent one is left out. */
  describeContainers(ids: readonly string[]): Promise<LiveContainer[]>;
  /** Last lines, both streams in order, control characters as they are. A container that is gone has none. */
  tailLogs(id: string, lines: number): Promise<string[]>;
  /** Slow beside the kernel's own files: see agent/stats. One that does not run, or is gone, has none. */
  readUsage(id: string): Promise<ContainerUsage | undefined>;

  /** A running container stays as it is. */
  startContainer(id: string): Promise<void>;
  /** Freezes all its processes. Fails with `docker_error` for one that does not run. */
  pauseContainer(id: string): Promise<void>;
  /** Fails with `docker_error` for one that is not paused. */
  unpauseContainer(id: string): Promise<void>;
  /** Honours the container's own stop signal and grace period. A stopped or absent container stays as it is. */
  stopContainer(id: string, graceMs?: number): Promise<void>;
  /** Stops with grace and starts; a stopped container is started. */
  restartContainer(id: string, graceMs?: number): Promise<void>;
  /** Kills if need be and removes with its anonymous volumes, or without. An absent container stays absent. */
  removeContainer(id: string, options?: { keepsVolumes?: boolean }): Promise<void>;
  /**
   * Makes one like it under another name from an image that is here, with the same volumes; it is not started. Returns its
   * id.
   */
  copyContainer(id: string, name: string, image: string): Promise<string>;
  /**
   * Makes a container for the agent's own work, which is not started: without a network, with a file system of its own that
   * it cannot write to, and no rights but those named. Fails with `docker_error` when the name is taken. Returns its id.
   */
  createSealed(name: string, setup: SealedSetup): Promise<string>;
  /** Fails with `docker_error` when the name is taken, also by this container. */
  renameContainer(id: string, name: string): Promise<void>;

  /** Runs a program inside a running container. Fails with `docker_error` for one that does not run, or an unknown user. */
  startExec(id: string, options: ExecOptions): Promise<RunningExec>;

  findImage(reference: string): Promise<Image | undefined>;
  /** Fails with `image_unavailable` naming the image, or `registry_login_failed` for a login that is refused. Pulling what is current is a no-op of the registry. */
  pullImage(reference: string, options?: PullOptions): Promise<void>;
  /** Makes an image whose files are those of a tar. */
  importImage(archive: Uint8Array, reference: string): Promise<void>;
  /** Points `reference` at an image that is here; repeating it changes nothing. */
  tagImage(id: string, reference: string): Promise<void>;

  listNetworks(project: string): Promise<Named[]>;
  listVolumes(project: string): Promise<Volume[]>;
  /** Containers that have the volume, running or not, of whatever project. */
  listUsers(volume: string): Promise<ContainerSummary[]>;
  /** Every volume of the host. Docker measures each anew: seconds, or minutes where there are many files. */
  listVolumeSizes(signal?: AbortSignal): Promise<VolumeSize[]>;
  /** All that Docker keeps on disk. It walks images, containers and volumes: seconds, or minutes. */
  measureDisk(signal?: AbortSignal): Promise<Omit<DockerDisk, 'at'>>;
  /** An absent network stays absent. */
  removeNetwork(id: string): Promise<void>;
  /** One that is there stays as it is, labels and all. */
  createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<Volume>;
  /** An absent volume stays absent. */
  removeVolume(name: string): Promise<void>;

  /**
   * Opens Docker's event stream (of containers, without the noise of health checks) and calls `onEvent` until it
   * ends. Resolves once the stream is open; `closed` settles when it ends. Docker replays nothing useful: after
   * opening, list.
   */
  openEvents(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<{ closed: Promise<void> }>;
}

/** Label with the service's id on each container we make. A hint for people and lists; the journal decides. */
export const SERVICE_LABEL = 'longshore.service';
/** Label of containers that the agent works with itself: nobody's service, and nothing to adopt. */
export const TOOL_LABEL = 'longshore.tool';

export function toContainerView(container: Container): ContainerView {
  const { id, name, service, image, imageId, state, health, exitCode, startedAt, ports } = container;
  return { id, name, service, image, imageId, state, health, exitCode, startedAt, ports };
}
