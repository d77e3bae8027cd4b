// Services as the API shows them. The first fields are those of the documented panel API, to the letter; the rest is ours.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import {
  CONTAINER_STATES,
  DEPLOY_METHODS,
  HEALTHS,
  LIFECYCLES,
  type ContainerView,
  type HostFacts,
} from '#shared/model.ts';
import type { Service, ServiceDetail, ServiceEvent } from '../../app/api/services.ts';
import { pageOf, timestamp } from './page.ts';
import { healthView, resourcesDetailView, resourcesView, toHealth, toResources, toResourcesDetail } from './usage.ts';

const container = z.object({
  id: z.string(),
  name: z.string(),
  service: z.string(),
  image: z.string(),
  image_id: z.string(),
  state: z.enum(CONTAINER_STATES),
  health: z.enum(HEALTHS),
  exit_code: z.number().int().nullable(),
  started_at: timestamp.nullable(),
  ports: z.array(
    z.object({
      host: z.number().int(),
      container: z.number().int(),
      protocol: z.enum(['tcp', 'udp']),
      address: z.string(),
    }),
  ),
});

const summaryFields = {
  id: z.string().meta({ example: 'svc_abc123' }),
  name: z.string().meta({ example: 'my-app' }),
  status: z.enum(LIFECYCLES),
  url: z.string().nullable().meta({ example: 'http://203.0.113.7:8080' }),
  customer_id: z.string().nullable(),
  template: z.string().nullable().meta({ example: 'uptime-kuma' }),
  deploy_method: z.enum(DEPLOY_METHODS),
  created_at: timestamp,
  updated_at: timestamp,
  resources: resourcesView,
  display_name: z.string().nullable(),
  category: z.string().nullable(),
  host_id: z.string(),
  enabled: z.boolean(),
  reason: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  revision: z.number().int(),
  running_revision: z.number().int().nullable(),
  health: healthView,
};

export const serviceView = z.object(summaryFields).meta({ id: 'Service' });
export const servicePage = pageOf(serviceView);

export const serviceDetailView = z
  .object({
    ...summaryFields,
    customer_name: z.string().nullable(),
    compose: z.string(),
    git: z.object({ url: z.string(), branch: z.string().nullable() }).nullable(),
    variables: z.record(z.string(), z.string()),
    custom_domains: z.array(z.string()),
    resources: resourcesDetailView,
    deployed_at: timestamp.nullable(),
    rollback_on_failure: z.boolean(),
    health_timeout_s: z.number().int(),
    containers: z.array(container),
  })
  .meta({ id: 'ServiceDetail' });

export const createdServiceView = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(LIFECYCLES),
    url: z.string().nullable(),
    deploy_job_id: z.string(),
  })
  .meta({ id: 'CreatedService' });

export const eventView = z
  .object({
    id: z.string(),
    type: z.string(),
    status: z.string(),
    message: z.string(),
    /** The job whose end this is; null for what no job brought about. */
    job_id: z.string().nullable(),
    timestamp,
  })
  .meta({ id: 'Event' });
export const eventPage = pageOf(eventView);

/** What the host of a service says of itself, as far as the caller may know it. */
export type FindFacts = (hostId: string) => HostFacts | null;

export function toServiceView(service: Service, findFacts: FindFacts): z.infer<typeof serviceView> {
  return {
    id: service.id,
    name: service.name,
    status: service.lifecycle,
    url: urlOf(service, findFacts),
    customer_id: service.customerId,
    template: service.templateId,
    deploy_method: service.method,
    created_at: toRfc3339(service.createdAt),
    updated_at: toRfc3339(service.updatedAt),
    resources: toResources(service),
    display_name: service.displayName,
    category: service.category,
    host_id: service.hostId,
    enabled: service.isEnabled,
    reason: service.reason,
    labels: service.labels,
    revision: service.revision,
    running_revision: service.report?.revision ?? null,
    health: toHealth(service),
  };
}

export function toServiceDetailView(service: ServiceDetail, findFacts: FindFacts): z.infer<typeof serviceDetailView> {
  const summary = toServiceView(service, findFacts);
  return {
    ...summary,
    customer_name: service.customerName,
    compose: service.compose,
    git: service.git,
    variables: service.variables,
    custom_domains: [],
    resources: toResourcesDetail(service),
    deployed_at: service.deployedAt === null ? null : toRfc3339(service.deployedAt),
    rollback_on_failure: service.rollbackOnFailure,
    health_timeout_s: service.healthTimeoutS,
    containers: (service.report?.containers ?? []).map(toContainerView),
  };
}

export const toEventView = (event: ServiceEvent): z.infer<typeof eventView> => ({
  id: event.id,
  type: event.type,
  status: event.status,
  message: event.message,
  job_id: event.jobId,
  timestamp: toRfc3339(event.at),
});

const toContainerView = (view: ContainerView): z.infer<typeof container> => ({
  id: view.id,
  name: view.name,
  service: view.service,
  image: view.image,
  image_id: view.imageId,
  state: view.state,
  health: view.health,
  exit_code: view.exitCode,
  started_at: view.startedAt === 0 ? null : toRfc3339(view.startedAt),
  ports: view.ports,
});

const ANY_ADDRESS = ['', '0.0.0.0', '::'];

/** Where its lowest published TCP port answers; null when there is none, or the host's address is not known. */
export function urlOf(service: Pick<Service, 'hostId' | 'report'>, findFacts: FindFacts): string | null {
  const ports = (service.report?.containers ?? []).flatMap((container) => container.ports);
  const published = ports.filter((port) => port.protocol === 'tcp' && port.host > 0);
  const first = published.toSorted((a, b) => a.host - b.host)[0];
  if (!first) return null;
  const address = ANY_ADDRESS.includes(first.address) ? findFacts(service.hostId)?.addresses[0] : first.address;
  if (address === undefined) return null;
  return `http://${address.includes(':') ? `[${address}]` : address}:${first.host}`;
}
