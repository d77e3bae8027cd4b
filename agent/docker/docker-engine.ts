// The Engine port over dockerode and the Docker socket.
import type Dockerode from 'dockerode';
import type { DockerDisk } from '#shared/stats.ts';
import { fromInspect, fromList, PROJECT_LABEL, toVolume } from './container-view.ts';
import { abortable, abortableContainer, dialDiskUsage, dialVolumeUsage } from './abortable.ts';
import { ifAbsent, type DockerodeError } from './api-faults.ts';
import { copyContainer } from './copy-container.ts';
import { describeContainers, describeProject, findSetup } from './describe-containers.ts';
import { DockerClient, type DockerClientOptions } from './docker-client.ts';
import { splitLogFrames } from './tail-log.ts';
import {
  ENGINE_DEADLINES,
  SERVICE_LABEL,
  type Container,
  type ContainerSetup,
  type ContainerSummary,
  type ContainerUsage,
  type Engine,
  type EngineEvent,
  type EngineVersion,
  type Image,
  type Named,
  type PullOptions,
  type Volume,
  type VolumeSize,
} from './engine.ts';
import { readInstance } from './engine-instance.ts';
import { startExec } from './exec.ts';
import { findImage, pullImage, tagImage } from './images.ts';
import type { LiveContainer } from './live-container.ts';
import type { ExecOptions, RunningExec } from './running-exec.ts';
import { openEvents } from './open-events.ts';
import { createSealed, importImage } from './sealed-container.ts';
import type { SealedSetup } from './sealed-setup.ts';
import { fromDiskUsage, fromStats, toDockerDisk } from './usage-view.ts';

type Filters = Record<string, string[]>;

/** Compose's default grace period, where a container states none. */
const DEFAULT_GRACE_MS = 10_000;

export function createDockerEngine(options: DockerClientOptions): Engine {
  return engineOver(new DockerClient(options));
}

export const engineOver = (client: DockerClient): Engine => new DockerEngine(client);

class DockerEngine implements Engine {
  readonly #client: DockerClient;

  constructor(client: DockerClient) {
    this.#client = client;
  }

  async ping(): Promise<void> {
    await this.#client.call('Cannot reach Docker', ENGINE_DEADLINES.ping, (docker, abortSignal) =>
      abortable(docker).ping({ abortSignal }),
    );
  }

  version(): Promise<EngineVersion> {
    return this.#client.call(
      'Cannot ask Docker for its version',
      ENGINE_DEADLINES.inspect,
      async (docker, abortSignal) => {
        const [version, info] = await Promise.all([
          abortable(docker).version({ abortSignal }),
          abortable(docker).info({ abortSignal }),
        ]);
        const { Version, ApiVersion: apiVersion, Arch: architecture } = version;
        return { version: Version, apiVersion, rootDir: info.DockerRootDir, cpus: info.NCPU, architecture };
      },
    );
  }

  instance(): Promise<string> {
    return this.#client.call('Cannot tell which Docker this is', ENGINE_DEADLINES.inspect, readInstance);
  }

  listProject(project: string): Promise<Container[]> {
    return this.#listInspected(`Cannot list project "${project}"`, { label: [`${PROJECT_LABEL}=${project}`] });
  }

  listManaged(): Promise<Container[]> {
    return this.#listInspected('Cannot list the containers', { label: [SERVICE_LABEL] });
  }

  async listAll(): Promise<ContainerSummary[]> {
    return (await this.#list('Cannot list the containers')).map(fromList);
  }

  findContainer(id: string): Promise<Container | undefined> {
    return this.#client
      .call(`Cannot inspect container "${id}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
        return fromInspect(await docker.getContainer(id).inspect({ abortSignal }));
      })
      .catch(ifAbsent(undefined));
  }

  findSetup(id: string): Promise<ContainerSetup | undefined> {
    return findSetup(this.#client, id);
  }

  describeProject(project: string): Promise<LiveContainer[]> {
    return describeProject(this.#client, project);
  }

  describeContainers(ids: readonly string[]): Promise<LiveContainer[]> {
    return describeContainers(this.#client, ids);
  }

  tailLogs(id: string, lines: number): Promise<string[]> {
    return this.#client
      .call(`Cannot read the log of "${id}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
        const options = { stdout: true, stderr: true, tail: lines, follow: false as const, abortSignal };
        return splitLogFrames(await docker.getContainer(id).logs(options));
      })
      .catch(ifAbsent([]));
  }

  readUsage(id: string): Promise<ContainerUsage | undefined> {
    return this.#client
      .call(`Cannot read the usage of "${id}"`, ENGINE_DEADLINES.inspect, async (docker, abortSignal) => {
        const container = abortableContainer(docker.getContainer(id));
        return fromStats(await container.stats({ stream: false, 'one-shot': true, abortSignal }));
      })
      .catch(ifAbsent(undefined));
  }

  startContainer(id: string): Promise<void> {
    return this.#client.change(`Cannot start container "${id}"`, 0, (docker, abortSignal) =>
      docker.getContainer(id).start({ abortSignal }),
    );
  }

  pauseContainer(id: string): Promise<void> {
    return this.#client.change(`Cannot pause container "${id}"`, 0, (docker, abortSignal) =>
      docker.getContainer(id).pause({ abortSignal }),
    );
  }

  unpauseContainer(id: string): Promise<void> {
    return this.#client.change(`Cannot unpause container "${id}"`, 0, (docker, abortSignal) =>
      docker.getContainer(id).unpause({ abortSignal }),
    );
  }

  stopContainer(id: string, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    return this.#client
      .change(`Cannot stop container "${id}"`, graceMs, (docker, abortSignal) =>
        docker.getContainer(id).stop({ abortSignal }),
      )
      .catch(ifAbsent(undefined));
  }

  restartContainer(id: string, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    return this.#client.change(`Cannot restart container "${id}"`, graceMs, (docker, abortSignal) =>
      docker.getContainer(id).restart({ abortSignal }),
    );
  }

  removeContainer(id: string, { keepsVolumes = false }: { keepsVolumes?: boolean } = {}): Promise<void> {
    return this.#client
      .call(`Cannot remove container "${id}"`, ENGINE_DEADLINES.remove, async (docker, abortSignal) => {
        const container = docker.getContainer(id);
        try {
          await container.remove({ force: true, v: !keepsVolumes, abortSignal });
        } catch (error) {
          // 409: somebody else is removing it; what follows (its networks) needs it gone.
          if ((error as DockerodeError).statusCode !== 409) throw error;
          await container.wait({ condition: 'removed', abortSignal });
        }
      })
      .catch(ifAbsent(undefined));
  }

  copyContainer(id: string, name: string, image: string): Promise<string> {
    return copyContainer(this.#client, id, name, image);
  }

  createSealed(name: string, setup: SealedSetup): Promise<string> {
    return createSealed(this.#client, name, setup);
  }

  renameContainer(id: string, name: string): Promise<void> {
    return this.#client.change(`Cannot rename container "${id}"`, 0, (docker, abortSignal) =>
      docker.getContainer(id).rename({ name, abortSignal }),
    );
  }

  startExec(id: string, options: ExecOptions): Promise<RunningExec> {
    return startExec(this.#client, id, options);
  }

  findImage(reference: string): Promise<Image | undefined> {
    return findImage(this.#client, reference);
  }

  pullImage(reference: string, options?: PullOptions): Promise<void> {
    return pullImage(this.#client, reference, options);
  }

  importImage(archive: Uint8Array, reference: string): Promise<void> {
    return importImage(this.#client, archive, reference);
  }

  tagImage(id: string, reference: string): Promise<void> {
    return tagImage(this.#client, id, reference);
  }

  listNetworks(project: string): Promise<Named[]> {
    const filters = { label: [`${PROJECT_LABEL}=${project}`] };
    return this.#client.call(
      `Cannot list networks of "${project}"`,
      ENGINE_DEADLINES.list,
      async (docker, abortSignal) => {
        const raw = await docker.listNetworks({ filters, abortSignal });
        return raw.map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels ?? {} }));
      },
    );
  }

  listVolumes(project: string): Promise<Volume[]> {
    const filters = { label: [`${PROJECT_LABEL}=${project}`] };
    return this.#client.call(
      `Cannot list volumes of "${project}"`,
      ENGINE_DEADLINES.list,
      async (docker, abortSignal) => {
        const raw = await docker.listVolumes({ filters, abortSignal });
        return (raw.Volumes ?? []).map(toVolume);
      },
    );
  }

  async listUsers(volume: string): Promise<ContainerSummary[]> {
    return (await this.#list(`Cannot list who uses volume "${volume}"`, { volume: [volume] })).map(fromList);
  }

  listVolumeSizes(signal?: AbortSignal): Promise<VolumeSize[]> {
    return this.#client.call(
      'Cannot measure the volumes',
      ENGINE_DEADLINES.measure,
      (docker, abortSignal) => dialVolumeUsage(docker, abortSignal).then(fromDiskUsage),
      signal,
    );
  }

  measureDisk(signal?: AbortSignal): Promise<Omit<DockerDisk, 'at'>> {
    return this.#client.call(
      "Cannot measure Docker's disk",
      ENGINE_DEADLINES.measure,
      (docker, abortSignal) => dialDiskUsage(docker, abortSignal).then(toDockerDisk),
      signal,
    );
  }

  removeNetwork(id: string): Promise<void> {
    return this.#client
      .change(`Cannot remove network "${id}"`, 0, (docker, abortSignal) =>
        docker.getNetwork(id).remove({ abortSignal }),
      )
      .catch(ifAbsent(undefined));
  }

  createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<Volume> {
    const action = `Cannot create volume "${name}"`;
    return this.#client.call(action, ENGINE_DEADLINES.change, async (docker, abortSignal) => {
      await docker.createVolume({ Name: name, Labels: { ...labels }, abortSignal });
      return toVolume(await docker.getVolume(name).inspect({ abortSignal }));
    });
  }

  removeVolume(name: string): Promise<void> {
    return this.#client
      .call(`Cannot remove volume "${name}"`, ENGINE_DEADLINES.remove, async (docker, abortSignal) => {
        await docker.getVolume(name).remove({ abortSignal });
      })
      .catch(ifAbsent(undefined));
  }

  openEvents(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<{ closed: Promise<void> }> {
    return openEvents(this.#client, onEvent, signal);
  }

  #list(action: string, filters?: Filters): Promise<Dockerode.ContainerInfo[]> {
    return this.#client.call(action, ENGINE_DEADLINES.list, (docker, abortSignal) =>
      docker.listContainers({ all: true, ...(filters && { filters }), abortSignal }),
    );
  }

  /** A container that vanishes between list and inspect is left out. */
  async #listInspected(action: string, filters: Filters): Promise<Container[]> {
    const listed = await this.#list(action, filters);
    const found = await Promise.all(listed.map(({ Id }) => this.findContainer(Id)));
    return found.filter((container) => container !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}
