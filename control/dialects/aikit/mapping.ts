// Pure: containers of the fleet in the words of the AIKit Dashboard, and its requests in ours.
import { problemsOf, type LongshoreError } from '#shared/errors.ts';
import type { LogEntry } from '#shared/model.ts';
import type { ContainerSetup } from '#shared/protocol/container-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { FleetContainer, SilentHost } from '../../app/api/containers.ts';
import { publishedPort, urlOfPorts } from '../../http/views/published-url.ts';
import { levelOf } from './log-level.ts';
import { toHealth, toStatus, type Status } from './status.ts';
import { toVersion } from './version.ts';

export { levelOf } from './log-level.ts';
export { toHealth, toStatus } from './status.ts';
export { toVersion } from './version.ts';
export { fromEvents, toEvent } from './webhook.ts';

export const FILTERS = ['running', 'stopped', 'all'] as const;

export interface ListQuery {
  filter: (typeof FILTERS)[number];
  /** Absent: all of them. */
  limit?: number | undefined;
  page: number;
}

export function toList(containers: readonly FleetContainer[], { filter, limit, page }: ListQuery, now: number) {
  const wanted = containers.filter((one) => filter === 'all' || toStatus(one) === filter);
  const cut = limit === undefined ? wanted : wanted.slice((page - 1) * limit, page * limit);
  return (limit === undefined && page > 1 ? [] : cut).map((one) => toService(one, now));
}

export function toService(container: FleetContainer, now: number) {
  const { ports, hostAddress } = container;
  const { cpu, memory, uptime, restartCount } = toFigures(container, now);
  return {
    id: container.calledAs,
    name: container.displayName ?? container.name,
    containerId: container.id,
    status: toStatus(container),
    health: toHealth(container),
    version: toVersion(container),
    description: container.description ?? '',
    url: urlOfPorts(ports, () => hostAddress ?? undefined),
    port: publishedPort(ports)?.host ?? null,
    stats: { cpu, memory, uptime, restartCount },
  };
}

export const toDetail = (container: FleetContainer, setup: ContainerSetup, now: number) => ({
  ...toService(container, now),
  details: {
    image: container.image,
    created: toRfc3339(setup.createdAt),
    ports: toPorts(container),
    volumes: setup.mounts,
    env: setup.env,
  },
});

const DONE = { start: 'started', stop: 'stopped', restart: 'restarted' } as const;
const UNDER_WAY = { start: 'starting', stop: 'stopping', restart: 'restarting' } as const;
export const ACTS = ['start', 'stop', 'restart'] as const;
export type Act = (typeof ACTS)[number];

/** Of one that is gone as it stopped (`docker run --rm`) there is nothing to be seen. */
export const toActed = (act: Act, container: FleetContainer | null, isDone: boolean) => ({
  message: isDone ? `Service ${DONE[act]} successfully` : `Service is ${UNDER_WAY[act]}`,
  status: (container ? toStatus(container) : 'stopped') satisfies Status,
});

export const toUpdated = (container: FleetContainer, isDone: boolean) => ({
  message: isDone ? 'Service updated successfully' : 'Service is updating',
  version: toVersion(container),
});

export const toLogs = (entries: readonly LogEntry[]) => ({
  logs: entries.map(({ timestamp, message }) => ({ timestamp, message, level: levelOf(message) })),
});

export const toStats = (container: FleetContainer, now: number) => {
  const { cpu, memory, uptime, restartCount } = toFigures(container, now);
  const { memoryBytes, memoryLimitBytes } = container.usage;
  return {
    cpu,
    memory,
    memoryUsage: isUp(container) ? memoryBytes : 0,
    memoryLimit: memoryLimitBytes,
    uptime,
    restartCount,
    timestamp: toRfc3339(container.at),
  };
};

export function toSystemStats(containers: readonly FleetContainer[], silent: readonly SilentHost[], now: number) {
  const running = containers.filter((one) => toStatus(one) === 'running');
  const figures = running.map((one) => toFigures(one, now));
  const warnings = containers.filter((one) => toStatus(one) === 'stopped' && (one.exitCode ?? 0) !== 0).length;
  const errors = containers.filter((one) => toHealth(one) === 'unhealthy').length + silent.length;
  return {
    services: { total: containers.length, running: running.length, stopped: containers.length - running.length },
    resources: {
      avgCpu: averageOf(figures.map(({ cpu }) => cpu)),
      avgMemory: averageOf(figures.map(({ memory }) => memory)),
      totalMemoryUsage: sumOf(running.map(({ usage }) => usage.memoryBytes)),
    },
    health: { status: errors > 0 ? 'unhealthy' : 'healthy', warnings, errors },
  };
}

export function wordError(error: LongshoreError): { status: number; body: { success: false; error: string } } {
  const more = [error.details ?? [], problemsOf(error.fields)].flat().join('; ');
  const text = more === '' ? error.message : `${error.message}: ${more}`;
  const status = error.status === 422 ? 400 : error.status; // its document calls every invalid parameter a 400
  return { status, body: { success: false, error: text } };
}

export const toEnvelope = <T>(data: T) => ({ success: true, data }) as const;

/** Null is not known; what does not run uses nothing. */
function toFigures(container: FleetContainer, now: number) {
  const { cpuCores, memoryBytes, memoryLimitBytes } = container.usage;
  const up = isUp(container);
  const share = memoryBytes === null || !memoryLimitBytes ? null : memoryBytes / memoryLimitBytes;
  return {
    cpu: up ? percent(cpuCores) : 0,
    memory: up ? percent(share) : 0,
    uptime: up ? Math.max(0, Math.floor((now - container.startedAt) / 1000)) : 0,
    restartCount: container.restartCount,
  };
}

const isUp = ({ state }: FleetContainer): boolean => state === 'running' || state === 'paused';

/** With two digits, as `docker stats` has them: 100 is one whole core, or all of the memory. */
const percent = (share: number | null): number | null => (share === null ? null : round(share * 100));

const round = (value: number): number => Math.round(value * 100) / 100;

const known = (figures: readonly (number | null)[]): number[] => figures.filter((figure) => figure !== null);

const sumOf = (figures: readonly (number | null)[]): number => known(figures).reduce((sum, each) => sum + each, 0);

const averageOf = (figures: readonly (number | null)[]): number =>
  known(figures).length === 0 ? 0 : round(sumOf(figures) / known(figures).length);

/** Docker binds a port for IPv4 and IPv6 apart: one of them is shown. */
function toPorts({ ports }: FleetContainer): { internal: number; external: number }[] {
  const pairs = new Map(
    ports.map(({ container, host }) => [`${container} ${host}`, { internal: container, external: host }]),
  );
  return [...pairs.values()];
}
