// Docker in memory, for tests of what stands on the engine. Kept honest by test/docker/engine.test.ts, which runs the
// same contract against this and against a real Docker.
import { randomBytes } from 'node:crypto';
import type {
  Container,
  ContainerSetup,
  ContainerSummary,
  ContainerUsage,
  Engine,
  EngineEvent,
  EngineVersion,
  Image,
  Named,
  PullOptions,
  Volume,
  VolumeSize,
} from '../../agent/docker/engine.ts';
import { PROJECT_LABEL } from '../../agent/docker/container-view.ts';
import { SERVICE_LABEL } from '../../agent/docker/engine.ts';
import type { ExecOptions, RunningExec } from '../../agent/docker/running-exec.ts';
import type { SealedSetup } from '../../agent/docker/sealed-setup.ts';
import type { LiveConfig, LiveContainer } from '../../agent/docker/live-container.ts';
import { LongshoreError } from '#shared/errors.ts';
import { createdContainer, toLive } from './fake-container.ts';
import { runFake, type FakeExec } from './fake-exec.ts';

/** Counters that nobody knows. */
export const NO_USAGE: ContainerUsage = {
  cpuNanos: 0,
  memoryBytes: 0,
  rxBytes: null,
  txBytes: null,
  readBytes: null,
  writeBytes: null,
  pids: null,
};

export class FakeEngine implements Engine {
  readonly containers = new Map<string, Container>();
  readonly images = new Map<string, Image>();
  /** Networks and volumes by name, with the project they belong to. */
  readonly networks = new Map<string, string>();
  readonly volumes = new Map<string, string>();
  /** By volume; one that is not here is empty. */
  readonly volumeBytes = new Map<string, number>();
  /** By container id, while it runs. */
  readonly usages = new Map<string, ContainerUsage>();
  /** Log lines by container id. */
  readonly logs = new Map<string, string[]>();
  /** How containers are set up beyond what `Container` tells, by id. */
  readonly configs = new Map<string, Partial<LiveConfig>>();
  /** What a registry would have. */
  readonly registry = new Set<string>();
  /** Programs that were run inside containers, in order. */
  readonly execs: FakeExec[] = [];
  /** While set, every call fails as it does when the socket is gone. */
  isAway = false;
  /** How often it came up. */
  starts = 1;
  now: () => number = Date.now;
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #closeStreams: (() => void)[] = [];
  /** Above any real one. */
  #pids = 2 ** 22;

  /** A container as `docker create` leaves it, unless `given` says otherwise. */
  addContainer(given: Partial<Container> & { name: string }): Container {
    const container = createdContainer(given);
    this.containers.set(container.id, container);
    this.#emit('create', container);
    return container;
  }

  /** Something happened to a container by itself; `action` is what Docker's event would say. */
  change(id: string, change: Partial<Container>, action?: string): void {
    const container = this.#require(id);
    Object.assign(container, change);
    if (action !== undefined) this.#emit(action, container);
  }

  /** As when dockerd restarts: streams end, and nothing answers until `isAway` is false again. */
  goAway(): void {
    this.isAway = true;
    for (const close of this.#closeStreams.splice(0)) close();
  }

  async ping(): Promise<void> {
    this.#answer();
  }

  async version(): Promise<EngineVersion> {
    this.#answer();
    return { version: '28.0.0', apiVersion: '1.48', rootDir: '/var/lib/docker', cpus: 4, architecture: 'amd64' };
  }

  async instance(): Promise<string> {
    this.#answer();
    return String(this.starts);
  }

  async listProject(project: string): Promise<Container[]> {
    return this.#list((container) => container.project === project);
  }

  async listManaged(): Promise<Container[]> {
    return this.#list(({ labels }) => labels[SERVICE_LABEL] !== undefined);
  }

  async listAll(): Promise<ContainerSummary[]> {
    return this.#list(() => true).map(({ id, name, project, state, labels, ports }) => {
      return { id, name, project, state, labels, ports };
    });
  }

  async findContainer(id: string): Promise<Container | undefined> {
    this.#answer();
    const container = this.containers.get(id);
    return container && { ...container };
  }

  /** Only what `configs` has of it. */
  async findSetup(id: string): Promise<ContainerSetup | undefined> {
    this.#answer();
    if (!this.containers.has(id)) return undefined;
    const env = Object.entries(this.configs.get(id)?.environment ?? {}).map(
      ([name, value]) => `${name}=${value ?? ''}`,
    );
    return { createdAt: 0, mounts: [], env };
  }

  async describeProject(project: string): Promise<LiveContainer[]> {
    return this.#list((container) => container.project === project).map((container) =>
      toLive(container, this.configs.get(container.id)),
    );
  }

  async describeContainers(ids: readonly string[]): Promise<LiveContainer[]> {
    return this.#list(({ id }) => ids.includes(id)).map((container) =>
      toLive(container, this.configs.get(container.id)),
    );
  }

  async tailLogs(id: string, lines: number): Promise<string[]> {
    this.#answer();
    return (this.logs.get(id) ?? []).slice(-lines);
  }

  async measureDisk() {
    this.#answer();
    return { imageBytes: 4e9, containerBytes: 3e6, volumeBytes: 2e6, buildCacheBytes: 1e6 };
  }

  async readUsage(id: string): Promise<ContainerUsage | undefined> {
    this.#answer();
    if (this.containers.get(id)?.state !== 'running') return undefined;
    return this.usages.get(id) ?? { ...NO_USAGE, cpuNanos: 1e6, memoryBytes: 2 ** 20 };
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#require(id);
    if (container.state === 'running') return;
    Object.assign(container, { state: 'running', startedAt: this.now(), exitCode: null, pid: ++this.#pids });
    this.#emit('start', container);
  }

  async pauseContainer(id: string): Promise<void> {
    const container = this.#require(id);
    if (container.state !== 'running') throw new LongshoreError('docker_error');
    container.state = 'paused';
    this.#emit('pause', container);
  }

  async unpauseContainer(id: string): Promise<void> {
    const container = this.#require(id);
    if (container.state !== 'paused') throw new LongshoreError('docker_error');
    container.state = 'running';
    this.#emit('unpause', container);
  }

  async stopContainer(id: string): Promise<void> {
    this.#answer();
    const container = this.containers.get(id);
    if (container?.state !== 'running') return;
    Object.assign(container, { state: 'exited', exitCode: 0, finishedAt: this.now(), pid: 0 });
    this.#emit('die', container);
  }

  async restartContainer(id: string): Promise<void> {
    this.#require(id);
    await this.stopContainer(id);
    await this.startContainer(id);
  }

  async removeContainer(id: string): Promise<void> {
    this.#answer();
    const container = this.containers.get(id);
    if (!container) return;
    this.containers.delete(id);
    this.#emit('destroy', container);
  }

  async copyContainer(id: string, name: string, image: string): Promise<string> {
    const { state: _s, pid: _p, ...like } = this.#require(id);
    const imageId = this.images.get(image)?.id ?? 'sha256:none';
    const made = { ...like, id: randomBytes(32).toString('hex'), name, image, imageId, startedAt: 0, exitCode: null };
    return this.addContainer(made).id;
  }

  async createSealed(name: string, { image, labels }: SealedSetup): Promise<string> {
    this.#answer();
    if ([...this.containers.values()].some((one) => one.name === name)) throw new LongshoreError('docker_error');
    return this.addContainer({ name, image, labels, state: 'created' }).id;
  }

  async renameContainer(id: string, name: string): Promise<void> {
    this.#answer();
    const container = this.containers.get(id);
    const isTaken = [...this.containers.values()].some((one) => one.name === name);
    if (!container || isTaken) throw new LongshoreError('docker_error');
    container.name = name;
  }

  async startExec(id: string, options: ExecOptions): Promise<RunningExec> {
    if (this.#require(id).state !== 'running') throw new LongshoreError('docker_error');
    const exec = runFake(id, options);
    this.execs.push(exec);
    return exec;
  }

  addImage(reference: string, given: Partial<Image> = {}): void {
    const image = { id: `sha256:${reference}`, tags: [reference], digests: [], sizeBytes: 1000, architecture: 'amd64' };
    this.images.set(reference, { ...image, hasHealthCheck: false, volumes: [], ports: [], ...given });
  }

  async findImage(reference: string): Promise<Image | undefined> {
    this.#answer();
    return this.images.get(reference) ?? [...this.images.values()].find(({ id }) => id === reference);
  }

  async pullImage(reference: string, { onProgress, signal }: PullOptions = {}): Promise<void> {
    this.#answer();
    signal?.throwIfAborted();
    if (!this.registry.has(reference)) {
      throw new LongshoreError('image_unavailable', { message: `Cannot pull image "${reference}"` });
    }
    onProgress?.({ percent: 100, message: 'done' });
    if (!this.images.has(reference)) this.addImage(reference);
  }

  async importImage(_archive: Uint8Array, reference: string): Promise<void> {
    this.#answer();
    this.addImage(reference);
  }

  async tagImage(id: string, reference: string): Promise<void> {
    const image = await this.findImage(id);
    if (!image) throw new LongshoreError('docker_error', { message: `Cannot tag image "${reference}"` });
    this.images.set(reference, image);
  }

  async listNetworks(project: string): Promise<Named[]> {
    return this.#named(this.networks, project);
  }

  async listVolumes(project: string): Promise<Volume[]> {
    return this.#named(this.volumes, project).map((one) => ({
      ...one,
      mountpoint: `/v/${one.name}/_data`,
      isPlain: true,
    }));
  }

  /** It knows no mounts: a volume's users are all of its project. */
  async listUsers(volume: string): Promise<ContainerSummary[]> {
    return (await this.listAll()).filter(({ project }) => project === this.volumes.get(volume));
  }

  async listVolumeSizes(): Promise<VolumeSize[]> {
    this.#answer();
    return [...this.volumes].map(([name, project]) => {
      return { name, project, sizeBytes: this.volumeBytes.get(name) ?? 0 };
    });
  }

  async removeNetwork(id: string): Promise<void> {
    this.#answer();
    this.networks.delete(id);
  }

  async createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<Volume> {
    this.#answer();
    const project = this.volumes.get(name) ?? labels[PROJECT_LABEL] ?? '';
    this.volumes.set(name, project);
    return { id: name, name, labels, mountpoint: `/volumes/${name}/_data`, isPlain: true };
  }

  async removeVolume(name: string): Promise<void> {
    this.#answer();
    this.volumes.delete(name);
  }

  async openEvents(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<{ closed: Promise<void> }> {
    this.#answer();
    this.#listeners.add(onEvent);
    const closed = new Promise<void>((resolve) => {
      this.#closeStreams.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return { closed: closed.finally(() => this.#listeners.delete(onEvent)) };
  }

  #answer(): void {
    if (this.isAway) throw new LongshoreError('docker_unavailable');
  }

  #require(id: string): Container {
    this.#answer();
    const container = this.containers.get(id);
    if (container) return container;
    throw new LongshoreError('docker_error', { details: `No such container: ${id}` });
  }

  #list(filter: (container: Container) => boolean): Container[] {
    this.#answer();
    const found = [...this.containers.values()].filter(filter);
    return found.map((container) => ({ ...container })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #named(things: ReadonlyMap<string, string>, project: string): Named[] {
    this.#answer();
    return [...things].filter(([, owner]) => owner === project).map(([name]) => ({ id: name, name, labels: {} }));
  }

  #emit(action: string, { id, project, service, exitCode }: Container): void {
    const event = {
      action,
      containerId: id,
      project,
      service,
      at: this.now(),
      exitCode: action === 'die' ? exitCode : null,
    };
    for (const listener of this.#listeners) listener(event);
  }
}
