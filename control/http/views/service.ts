// Services as the API shows them. The first fields are those of the documented panel API, to the letter; the rest is
// ours. The examples are those of its documents, and so stand in ours.
import { z } from 'zod';
import { toRfc3339 } from '#shared/time.ts';
import {
  CONTAINER_STATES,
  DEPLOY_METHODS,
  HEALTHS,
  LIFECYCLES,
  type ContainerView,
  type DriftNote,
  type HostFacts,
} from '#shared/model.ts';
import type { Service, ServiceDetail, ServiceEvent } from '../../app/api/services.ts';
import { gitView, toGitView } from './git-source.ts';
import { healthCheckView, toHealthChecks } from './health-check.ts';
import { containerEndView, healingFields, toContainerEnd, toHealing } from './healing.ts';
import { pageOf, timestamp } from './page.ts';
import { urlOfName, urlOfPorts } from './published-url.ts';
import { autoUpdateBody, toAutoUpdateView, toUpdates, updateAvailable, updatesFields } from './updates.ts';
import {
  healthDetailView,
  healthView,
  resourcesDetailView,
  resourcesView,
  toHealth,
  toResources,
  toResourcesDetail,
} from './usage.ts';

/** Later than the time the service was made. */
const changedAt = timestamp.meta({ example: '2026-03-29T10:05:00Z' });

const container = z.object({
  id: z.string().meta({ description: "Docker's id", example: '3f4e0c1a9b7d' }),
  name: z.string().meta({ example: 'my-app-web-1' }),
  service: z.string().meta({ description: 'Its service in the compose file', example: 'web' }),
  image: z.string().meta({ example: 'louislam/uptime-kuma:2.0.2' }),
  image_id: z.string().meta({ example: 'sha256:8a5a1f2d' }),
  state: z.enum(CONTAINER_STATES).meta({ example: 'running' }),
  health: z.enum(HEALTHS).meta({ example: 'healthy' }),
  exit_code: z.number().int().nullable().meta({ description: 'Null while it runs', example: null }),
  started_at: changedAt.nullable(),
  ports: z.array(
    z.object({
      host: z.number().int().meta({
        description: 'Port of the host, also while the container is down, unless Docker chooses it; 0 is not published',
        example: 3001,
      }),
      container: z.number().int().meta({ example: 3001 }),
      protocol: z.enum(['tcp', 'udp']),
      address: z.string().meta({ description: 'Where the host listens', example: '0.0.0.0' }),
    }),
  ),
});

const summaryFields = {
  id: z.string().meta({ example: 'svc_abc123' }),
  name: z.string().meta({ example: 'my-app' }),
  status: z.enum(LIFECYCLES).meta({ description: 'What it does; `health` says how well', example: 'running' }),
  url: z.string().nullable().meta({
    description: 'Where it answers; null when it publishes no port, or its host has told no address',
    example: 'https://my-app.panel.example.com',
  }),
  customer_id: z.string().nullable().meta({ description: 'Whose it is; null: of no customer' }),
  template: z.string().nullable().meta({ description: 'What it was made from', example: 'uptime-kuma' }),
  deploy_method: z.enum(DEPLOY_METHODS).meta({ example: 'template' }),
  created_at: timestamp,
  updated_at: changedAt,
  resources: resourcesView,
  display_name: z.string().nullable().meta({ example: 'My app' }),
  category: z.string().nullable().meta({ example: 'monitoring' }),
  host_id: z.string().meta({ description: 'Where it runs' }),
  set_id: z.string().nullable().meta({ description: 'The set it is a member of; null: it is none', example: null }),
  enabled: z.boolean().meta({ description: 'Whether its host restarts what fails and brings it back after a reboot' }),
  ...healingFields,
  reason: z.string().nullable().meta({ description: 'Why its status is what it is', example: null }),
  labels: z.record(z.string(), z.string()).meta({ example: { tier: 'web' } }),
  revision: z.number().int().meta({ description: 'Grows by one with each change' }),
  running_revision: z.number().int().nullable().meta({ description: 'What its host runs; null: not known' }),
  update_available: updateAvailable,
  health: healthView,
};

export const serviceView = z.object(summaryFields).meta({ id: 'Service' });
export const servicePage = pageOf(serviceView);

const healthChecks = z
  .array(healthCheckView)
  .meta({ description: "Of its user; those of the compose file and of images are Docker's own", example: [] });

/** What a service, or each member of a set, is made from. */
export const sourceFields = {
  compose: z.string().meta({
    description: 'The compose file, its secrets as `***` without `secrets.read`; empty until a repository was read',
    example: "version: '3.8'\nservices:\n  ...",
  }),
  git: gitView.nullable().meta({ description: 'Of git and ai deploys', example: null }),
  variables: z
    .record(z.string(), z.string())
    .meta({ description: 'Secret ones as `***` without `secrets.read`', example: { SERVICE_NAME: 'my-app' } }),
  health_checks: healthChecks,
};

export const serviceDetailView = z
  .object({
    ...summaryFields,
    customer_name: z.string().nullable(),
    ...sourceFields,
    git_watch_paths: z
      .array(z.string())
      .meta({ description: 'What a push must touch to deploy; empty: every push does', example: [] }),
    custom_domains: z.array(z.string()).meta({ example: [] }),
    resources: resourcesDetailView,
    health: healthDetailView,
    deployed_at: changedAt.nullable().meta({ description: 'When it was last deployed with success' }),
    rollback_on_failure: z.boolean().meta({ description: 'Put back the last good revision when a deploy fails' }),
    health_timeout_s: z.number().int().meta({ description: 'How long a deploy waits for healthy', example: 300 }),
    review: z.boolean().meta({ description: 'Of a service by AI: its deploys stop at their plan', example: false }),
    proposal: z
      .object({ proposal_id: z.string(), job_id: z.string(), commit: z.string(), made_at: changedAt })
      .nullable()
      .meta({ description: 'What waits for review, see GET /api/services/:id/proposal', example: null }),
    auto_update: autoUpdateBody.nullable(),
    ...updatesFields,
    drift: z
      .object({ state: z.enum(['in_sync', 'drifted']), since: changedAt })
      .nullable()
      .meta({ description: 'Whether what runs is what its revision says, as its host told last', example: null }),
    containers: z.array(container),
  })
  .meta({ id: 'ServiceDetail' });

export const createdServiceView = z
  .object({
    id: z.string().meta({ example: 'svc_new789' }),
    name: z.string(),
    status: z.enum(LIFECYCLES).meta({ example: 'deploying' }),
    url: summaryFields.url,
    deploy_job_id: z.string().meta({ description: 'The deploy: follow it by GET /api/jobs/:id or a WebSocket' }),
    set_id: summaryFields.set_id,
  })
  .meta({ id: 'CreatedService' });

export const eventView = z
  .object({
    id: z.string().meta({ example: 'evt_mno345' }),
    type: z
      .string()
      .meta({ description: 'What it is about: deploy, start, stop, restart, health, …', example: 'deploy' }),
    status: z.string().meta({ description: 'How it went', example: 'success' }),
    message: z.string().meta({ example: 'Deployed from template uptime-kuma' }),
    job_id: z.string().nullable().meta({ description: 'Whose end this is; null: no job brought it about' }),
    container_end: containerEndView
      .nullable()
      .meta({ description: 'Of a container that ended for good, or for want of memory' }),
    timestamp: changedAt,
  })
  .meta({ id: 'Event' });
export const eventPage = pageOf(eventView).meta({
  example: {
    data: [
      {
        id: 'evt_mno345',
        type: 'deploy',
        status: 'success',
        message: 'Deployed from template uptime-kuma',
        job_id: 'job_xyz456',
        container_end: null,
        timestamp: '2026-03-29T10:05:00Z',
      },
      {
        id: 'evt_pqr678',
        type: 'health',
        status: 'healthy',
        message: 'Health check passed',
        job_id: null,
        container_end: null,
        timestamp: '2026-03-29T10:05:30Z',
      },
    ],
    total: 2,
    page: 1,
    per_page: 20,
  },
});

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
    set_id: service.setId,
    enabled: service.isEnabled,
    ...toHealing(service),
    reason: service.reason,
    labels: service.labels,
    revision: service.revision,
    running_revision: service.report?.revision ?? null,
    update_available: service.updateAvailable,
    health: toHealth(service),
  };
}

export function toServiceDetailView(service: ServiceDetail, findFacts: FindFacts): z.infer<typeof serviceDetailView> {
  const summary = toServiceView(service, findFacts);
  return {
    ...summary,
    customer_name: service.customerName,
    ...toSourceView(service),
    git_watch_paths: service.watchPaths,
    custom_domains: [],
    resources: toResourcesDetail(service),
    health: { ...toHealth(service), last_output: service.lastOutput },
    deployed_at: service.deployedAt === null ? null : toRfc3339(service.deployedAt),
    rollback_on_failure: service.rollbackOnFailure,
    health_timeout_s: service.healthTimeoutS,
    review: service.isReviewed,
    proposal: service.waiting && toWaitingView(service.waiting),
    auto_update: service.autoUpdate && toAutoUpdateView(service.autoUpdate),
    ...toUpdates(service.updates),
    drift: service.report?.drift ? toDriftState(service.report.drift) : null,
    containers: (service.report?.containers ?? []).map(toContainerView),
  };
}

const toDriftState = ({ state, at }: DriftNote) => ({ state, since: toRfc3339(at) });

const toWaitingView = ({ id, jobId, commit, madeAt }: NonNullable<ServiceDetail['waiting']>) => ({
  proposal_id: id,
  job_id: jobId,
  commit,
  made_at: toRfc3339(madeAt),
});

export const toSourceView = ({
  compose,
  git,
  variables,
  healthChecks: checks,
}: Pick<ServiceDetail, 'compose' | 'git' | 'variables' | 'healthChecks'>) => ({
  compose,
  git: git && toGitView(git),
  variables,
  health_checks: toHealthChecks(checks),
});

export const toEventView = (event: ServiceEvent): z.infer<typeof eventView> => ({
  id: event.id,
  type: event.type,
  status: event.status,
  message: event.message,
  job_id: event.jobId,
  container_end: event.end && toContainerEnd(event.end),
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

/**
 * By its name where it has one; else where its lowest published TCP port answers. Null when there is none, or the host's
 * address is not known.
 */
export const urlOf = (service: Pick<Service, 'hostId' | 'report' | 'hostname'>, findFacts: FindFacts): string | null =>
  urlOfName(service.hostname) ??
  urlOfPorts(
    (service.report?.containers ?? []).flatMap((container) => container.ports),
    () => findFacts(service.hostId)?.addresses[0],
  );
