// Hosts as the API shows them.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import type { Host, HostEvent } from '../../app/api/hosts.ts';
import type { HostFacts } from '#shared/model.ts';
import { pageOf, timestamp } from './page.ts';
import { hostResourcesView, toHostResources } from './stats.ts';

const facts = z.object({
  hostname: z.string().meta({ example: 'web-1' }),
  os: z.string().meta({ example: 'Debian GNU/Linux 12 (bookworm)' }),
  kernel: z.string().meta({ example: '6.1.0-18-amd64' }),
  arch: z.string().meta({ example: 'x64' }),
  cpus: z.number().int().meta({ example: 4 }),
  memory_bytes: z.number().meta({ example: 8_326_500_352 }),
  memory_free_bytes: z.number().meta({ example: 5_368_709_120 }),
  disk_bytes: z.number().meta({ description: 'Of the file system that holds the data', example: 84_825_604_096 }),
  disk_free_bytes: z.number().meta({ example: 42_949_672_960 }),
  docker_version: z.string().nullable().meta({ description: 'Null: Docker does not answer', example: '28.5.2' }),
  docker_unavailable_since: timestamp
    .nullable()
    .meta({ description: 'When the host first saw that Docker does not answer; null while it does' }),
  compose_version: z.string().nullable().meta({ example: '2.40.3' }),
  agent_version: z.string().meta({ example: '0.1.0' }),
  agent_started_at: timestamp.nullable().meta({ description: 'Null: its agent is too old to say' }),
  addresses: z
    .array(z.string())
    .meta({ description: 'The first is where its services are reached', example: ['203.0.113.7'] }),
});

export const hostView = z
  .object({
    id: z.string().meta({ example: 'host_abc123' }),
    name: z.string().meta({ example: 'web-1' }),
    labels: z.record(z.string(), z.string()),
    status: z
      .enum(['connected', 'offline', 'revoked', 'fenced'])
      .meta({ description: '`fenced`: two machines use its key, neither is given work; incidents tell of it' }),
    status_since: timestamp.nullable().meta({ description: 'Null: it has never been here' }),
    cordoned_at: timestamp.nullable().meta({ description: 'Since when it takes no new services; null: it does' }),
    drained_at: timestamp.nullable().meta({ description: 'Since when its services are stopped; null: they run' }),
    facts: facts.nullable().meta({ description: 'What it last said of itself; null before that' }),
    facts_sampled_at: timestamp.nullable(),
    resources: hostResourcesView.nullable().meta({ description: 'What it used last; null until it has said' }),
    last_seen_at: timestamp.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'Host' });
export const hostPage = pageOf(hostView);

export const hostEventView = z
  .object({
    id: z.string().meta({ example: 'evt_mno345' }),
    status: z.string().meta({
      description:
        'joined, connected, offline, renamed, labelled, cordoned, uncordoned, drained, undrained, upgraded, revoked, ' +
        'identity_conflict, identity_settled; gap: the host dropped events, whose kinds and numbers the message has; ' +
        'host_rolled_back, control_restored, services_unknown, services_forgotten, protocol_violation',
      example: 'gap',
    }),
    message: z.string().meta({ example: 'Events 120 to 4310 were dropped on the host: 4191 job.step' }),
    incident_id: z.string().nullable().meta({ description: 'That it is a part of' }),
    timestamp,
  })
  .meta({ id: 'HostEvent' });
export const hostEventPage = pageOf(hostEventView);

export const toHostView = (host: Host): z.infer<typeof hostView> => ({
  id: host.id,
  name: host.name,
  labels: host.labels,
  status: host.status,
  status_since: toTime(host.statusSince),
  cordoned_at: toTime(host.cordonedAt),
  drained_at: toTime(host.drainedAt),
  facts: host.facts && toFactsView(host.facts),
  facts_sampled_at: toTime(host.factsAt),
  resources: host.usage && toHostResources(host.usage),
  last_seen_at: toTime(host.lastSeenAt),
  created_at: toRfc3339(host.createdAt),
});

const toTime = (at: number | null): string | null => (at === null ? null : toRfc3339(at));

const toFactsView = (told: HostFacts): z.infer<typeof facts> => ({
  hostname: told.hostname,
  os: told.os,
  kernel: told.kernel,
  arch: told.arch,
  cpus: told.cpus,
  memory_bytes: told.memoryBytes,
  memory_free_bytes: told.memoryFreeBytes,
  disk_bytes: told.diskBytes,
  disk_free_bytes: told.diskFreeBytes,
  docker_version: told.dockerVersion,
  docker_unavailable_since: told.dockerAwaySince ? toRfc3339(told.dockerAwaySince) : null,
  compose_version: told.composeVersion,
  agent_version: told.agentVersion,
  agent_started_at: toTime(told.agentStartedAt ?? null),
  addresses: told.addresses,
});

export const toHostEventView = ({ id, status, message, at, incidentId }: HostEvent): z.infer<typeof hostEventView> => ({
  id,
  status,
  message,
  incident_id: incidentId,
  timestamp: toRfc3339(at),
});
