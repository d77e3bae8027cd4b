// Which figures of hosts and services a monitoring system gets, and how they are called. Pure. Labels are ids and names:
// what changes while a thing lives (status, address, revision) would begin a new series each time.
import { DOCKER_DISK_PARTS, type HostSample } from '#shared/stats.ts';
import type { FleetFigures } from '../../app/api/metrics.ts';
import type { Host } from '../../app/api/hosts.ts';
import type { Service } from '../../app/api/services.ts';
import { gauge, type Family, type Series } from './exposition.ts';

export const fleetFamilies = ({ hosts, services }: FleetFigures): Family[] => [
  ...hostFamilies(hosts.items),
  ...serviceFamilies(services.items),
  gauge('longshore_left_out', 'Hosts and services beyond the limit, of which no figures are here', [
    { labels: { kind: 'hosts' }, value: hosts.total - hosts.items.length },
    { labels: { kind: 'services' }, value: services.total - services.items.length },
  ]),
];

type HostFigure = Exclude<keyof HostSample, 'docker' | 'at'>;

const HOST_GAUGES: [figure: HostFigure, name: string, help: string][] = [
  ['cpuCores', 'cpu_cores_used', 'Cores in use'],
  ['load1', 'load1', 'Load over one minute'],
  ['memoryBytes', 'memory_used_bytes', 'Memory that programs cannot have'],
  ['memoryTotalBytes', 'memory_bytes', 'Memory of the host'],
  ['diskBytes', 'disk_used_bytes', "Used on the file system with the agent's data"],
  ['diskTotalBytes', 'disk_bytes', "Size of the file system with the agent's data"],
  ['rxBytesPerS', 'network_receive_bytes_per_second', 'Received from other machines'],
  ['txBytesPerS', 'network_transmit_bytes_per_second', 'Sent to other machines'],
  ['readBytesPerS', 'disk_read_bytes_per_second', 'Read from disks'],
  ['writeBytesPerS', 'disk_write_bytes_per_second', 'Written to disks'],
  ['temperatureC', 'temperature_celsius', 'The hottest sensor of a processor'],
  ['uptimeS', 'uptime_seconds', 'Since the machine was started'],
];

const labelsOf = ({ id, name }: Host) => ({ host_id: id, host: name });

function hostFamilies(hosts: readonly Host[]): Family[] {
  const family = (name: string, help: string, valueOf: (host: Host) => Series['value']) =>
    gauge(
      `longshore_host_${name}`,
      help,
      hosts.map((host) => ({ labels: labelsOf(host), value: valueOf(host) })),
    );
  const parts = hosts.flatMap((host) =>
    DOCKER_DISK_PARTS.map((part) => ({
      labels: { ...labelsOf(host), part: DISK_PARTS[part] },
      value: host.usage?.docker?.[part] ?? null,
    })),
  );
  return [
    family('connected', 'Whether its agent is connected', ({ status }) => status === 'connected'),
    family('cpus', 'Cores of the host', ({ facts }) => facts?.cpus ?? null),
    ...HOST_GAUGES.map(([figure, name, help]) => family(name, help, ({ usage }) => usage?.[figure] ?? null)),
    gauge('longshore_host_docker_bytes', 'What Docker keeps on disk, measured hourly', parts),
    family('sampled_timestamp_seconds', 'When the host measured this', ({ usage }) => toSeconds(usage)),
  ];
}

const DISK_PARTS: Record<(typeof DOCKER_DISK_PARTS)[number], string> = {
  imageBytes: 'images',
  containerBytes: 'containers',
  volumeBytes: 'volumes',
  buildCacheBytes: 'build_cache',
};

function serviceFamilies(services: readonly Service[]): Family[] {
  const family = (name: string, help: string, valueOf: (service: Service) => Series['value']) =>
    gauge(
      `longshore_service_${name}`,
      help,
      services.map((service) => {
        const { id, name: label, hostId, customerId } = service;
        const labels = { service_id: id, service: label, host_id: hostId, customer_id: customerId };
        return { labels, value: valueOf(service) };
      }),
    );
  const counter = (...args: Parameters<typeof family>): Family => ({ ...family(...args), type: 'counter' });
  return [
    family('running', 'Whether it runs', ({ lifecycle }) => lifecycle === 'running'),
    family('failed', 'Whether it has failed', ({ lifecycle }) => lifecycle === 'failed'),
    family('enabled', 'Whether its host heals it', ({ isEnabled }) => isEnabled),
    family(
      'failures',
      'Since it was last started, restarted, enabled or deployed',
      ({ report }) => report?.healing?.failureCount ?? null,
    ),
    counter(
      'restarts_total',
      'By its host, by Docker and by hand',
      ({ report }) => report?.healing?.restartCount ?? null,
    ),
    family('given_up', 'Whether its host restarts nothing of it any more', ({ report }) =>
      report?.healing ? report.healing.gaveUpAt !== null : null,
    ),
    family('healthy', 'Whether its health checks pass', ({ health }) => HEALTHY[health] ?? null),
    family('cpu_cores_used', 'Cores in use by its containers', ({ usage }) => usage?.cpuCores ?? null),
    family(
      'memory_used_bytes',
      'Memory of its containers without file cache',
      ({ usage }) => usage?.memoryBytes ?? null,
    ),
    family('memory_limit_bytes', 'What its containers may use', ({ usage }) => usage?.memoryLimitBytes ?? null),
    family('storage_bytes', 'In its named volumes', ({ usage }) => usage?.storageBytes ?? null),
    family('sampled_timestamp_seconds', 'When its host measured this', ({ usage }) => toSeconds(usage)),
  ];
}

/** Starting and without a health check is neither. */
const HEALTHY: Partial<Record<Service['health'], boolean>> = { healthy: true, unhealthy: false };

const toSeconds = (sample: { at: number } | null): number | null => (sample ? sample.at / 1000 : null);
