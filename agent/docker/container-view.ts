// From Docker's own shapes to ours. Pure; unknown or odd values become the harmless one.
import type Dockerode from 'dockerode';
import { CONTAINER_STATES, type ContainerState, type ContainerView, type Health } from '#shared/model.ts';
import type { Container, ContainerSetup, ContainerSummary, EngineEvent, Image, Volume } from './engine.ts';

export const PROJECT_LABEL = 'com.docker.compose.project';
export const VOLUME_LABEL = 'com.docker.compose.volume';
export const COMPOSE_SERVICE_LABEL = 'com.docker.compose.service';
/** Compose's own hash of what a container was made from. */
export const CONFIG_HASH_LABEL = 'com.docker.compose.config-hash';

export function fromInspect(raw: Dockerode.ContainerInspectInfo): Container {
  const { State: state, Config: config, HostConfig: host } = raw;
  const labels = config.Labels ?? {};
  const probe = state.Health;
  return {
    id: raw.Id,
    name: withoutSlash(raw.Name),
    service: labels[COMPOSE_SERVICE_LABEL] ?? '',
    image: config.Image,
    imageId: raw.Image,
    state: toState(state.Status),
    health: toHealth(probe?.Status),
    exitCode: state.Running || isZeroTime(state.FinishedAt) ? null : state.ExitCode,
    startedAt: toMs(state.StartedAt),
    ports: toPorts(raw),
    project: labels[PROJECT_LABEL] ?? '',
    labels,
    isAdopted: false,
    hasOwnNetwork: !/^(host$|container:)/.test(host.NetworkMode ?? ''),
    address: toAddress(raw),
    joins: toJoined(host),
    removesItself: host.AutoRemove ?? false,
    hasHealthCheck: probe !== undefined && probe.Status !== 'none',
    restartPolicy: toRestartPolicy(host.RestartPolicy?.Name),
    restartCount: raw.RestartCount,
    oomKilled: state.OOMKilled,
    finishedAt: toMs(state.FinishedAt),
    probeOutput: probe?.Log?.at(-1)?.Output.trim() ?? '',
    failingStreak: probe?.FailingStreak ?? 0,
    probedAt: toMs(probe?.Log?.at(-1)?.End ?? ZERO_TIME),
    pid: state.Pid,
    cpuLimit: toCores(host),
    memoryLimitBytes: host.Memory ? host.Memory : null,
  };
}

export const toSetup = ({ Created, Mounts, Config }: Dockerode.ContainerInspectInfo): ContainerSetup => ({
  createdAt: toMs(Created),
  mounts: Mounts.map(({ Name, Source, Destination }) => ({ source: Name ?? Source, destination: Destination })),
  env: Config.Env ?? [],
});

const LOOPBACK = '127.0.0.1';
const ANY_ADDRESS = '0.0.0.0';

/** On the first of its networks; on the host's own it answers where the host does. */
function toAddress({ HostConfig: host, NetworkSettings: { Networks: networks } }: Dockerode.ContainerInspectInfo) {
  if (host.NetworkMode === 'host') return LOOPBACK;
  const addresses = Object.values(networks ?? {}).map((network) => network.IPAddress || network.GlobalIPv6Address);
  return addresses.find(Boolean) ?? null;
}

/** `container:<id>`, as Docker keeps a namespace that is another container's. */
const toJoined = ({ NetworkMode, IpcMode, PidMode }: Dockerode.HostConfig): string[] =>
  [NetworkMode, IpcMode, PidMode].flatMap((mode) => /^container:(.+)$/.exec(mode ?? '')?.[1] ?? []);

/** Docker keeps a limit in the form it was given: as cores, or as a quota of a period. */
function toCores({ NanoCpus: nanos, CpuQuota: quota, CpuPeriod: period }: Dockerode.HostConfig): number | null {
  if (nanos) return nanos / 1e9;
  return quota && quota > 0 ? quota / (period || DEFAULT_PERIOD_US) : null;
}

export function fromList(raw: Dockerode.ContainerInfo): ContainerSummary {
  return {
    id: raw.Id,
    name: withoutSlash(raw.Names[0] ?? ''),
    project: raw.Labels[PROJECT_LABEL] ?? '',
    state: toState(raw.State),
    labels: raw.Labels,
    ports: raw.Ports.filter(({ PublicPort, Type }) => PublicPort && Type !== 'sctp').map((port) => ({
      host: port.PublicPort,
      container: port.PrivatePort,
      protocol: port.Type as 'tcp' | 'udp',
      address: port.IP,
    })),
  };
}

/** An image that was made elsewhere may come without a configuration. */
export function toImage(raw: Omit<Dockerode.ImageInspectInfo, 'Config'> & { Config?: ImageConfig | null }): Image {
  const { Id: id, Size: sizeBytes, Architecture: architecture, Config: config } = raw;
  const [probe = 'NONE'] = config?.Healthcheck?.Test ?? [];
  return {
    id,
    tags: raw.RepoTags ?? [],
    digests: raw.RepoDigests ?? [],
    sizeBytes,
    architecture,
    hasHealthCheck: probe !== 'NONE',
    volumes: Object.keys(config?.Volumes ?? {}),
    ports: Object.keys(config?.ExposedPorts ?? {})
      .flatMap((key) => /^(\d+)\/tcp$/.exec(key)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b),
  };
}

interface ImageConfig {
  Healthcheck?: { Test?: string[] | undefined } | undefined;
  Volumes?: object | null;
  ExposedPorts?: object | null;
}

/** With options of its own (NFS, say) even a `local` volume is only there while a container has it. */
export const toVolume = (
  raw: Pick<Dockerode.VolumeInspectInfo, 'Name' | 'Mountpoint' | 'Driver' | 'Options' | 'Labels'>,
): Volume => ({
  id: raw.Name,
  name: raw.Name,
  labels: raw.Labels ?? {},
  mountpoint: raw.Mountpoint,
  isPlain: raw.Driver === 'local' && Object.keys(raw.Options ?? {}).length === 0,
});

type RawEvent = {
  Type?: string;
  Action?: string;
  time?: number;
  timeNano?: number;
  Actor?: { ID?: string; Attributes?: Record<string, string> };
};

/** Changes of a container and of the networks it is in; leaves out what health checks and execs cause every few seconds. */
export const EVENTS = [
  'create',
  'start',
  'die',
  'oom',
  'health_status',
  'stop',
  'kill',
  'pause',
  'unpause',
  'rename',
  'destroy',
  'update',
  'connect',
  'disconnect',
];

/**
 * `health_status: healthy` and the like lose what follows the colon: who is interested inspects anyway. An event about
 * a network names the container, and not whose it is.
 */
export function fromEvent(raw: RawEvent): EngineEvent {
  const labels = raw.Actor?.Attributes ?? {};
  return {
    action: raw.Action?.split(':')[0] ?? '',
    containerId: (raw.Type === 'network' ? labels['container'] : raw.Actor?.ID) ?? '',
    project: labels[PROJECT_LABEL] ?? '',
    service: labels[COMPOSE_SERVICE_LABEL] ?? '',
    at: raw.timeNano ? Math.floor(raw.timeNano / 1e6) : (raw.time ?? 0) * 1000,
    exitCode: labels['exitCode'] === undefined ? null : Number(labels['exitCode']),
  };
}

export const withoutSlash = (name: string): string => name.replace(/^\//, '');

export function toState(state: string): ContainerState {
  return CONTAINER_STATES.find((known) => known === state) ?? 'dead';
}

function toHealth(status: string | undefined): Health {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'unknown';
}

function toRestartPolicy(name: string | undefined): Container['restartPolicy'] {
  return name === 'always' || name === 'unless-stopped' || name === 'on-failure' ? name : 'no';
}

/** The kernel's. */
const DEFAULT_PERIOD_US = 100_000;

/** Docker's zero time is the year 1. */
const ZERO_TIME = '0001-01-01T00:00:00Z';
const isZeroTime = (time: string): boolean => time.startsWith('0001-');
const toMs = (time: string): number => (isZeroTime(time) ? 0 : Date.parse(time));

type Bindings = Record<string, { HostIp?: string; HostPort?: string }[] | null>;

/** What is bound on the host; while it is down, what will be where that is certain: Docker chooses anew. */
function toPorts({ NetworkSettings: { Ports: live }, HostConfig: host }: Dockerode.ContainerInspectInfo) {
  const bound = toBoundPorts(live ?? {});
  const wanted = () => toBoundPorts((host.PortBindings ?? {}) as Bindings).filter((port) => port.host > 0);
  return bound.length > 0 ? bound : wanted();
}

/** Keys look like `80/tcp`. */
function toBoundPorts(ports: Bindings): ContainerView['ports'] {
  return Object.entries(ports).flatMap(([key, bindings]) => {
    const [container, protocol] = key.split('/');
    if (protocol !== 'tcp' && protocol !== 'udp') return [];
    return (bindings ?? []).map(({ HostIp: address, HostPort }) => {
      return { host: Number(HostPort), container: Number(container), protocol, address: address || ANY_ADDRESS };
    });
  });
}
