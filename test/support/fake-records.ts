// What the app layer in memory begins with: a host, a service, a job and a key, as its records hold them.
import type { Caller } from '../../control/app/api/caller.ts';
import type { Incident } from '../../control/app/api/incidents.ts';
import type { DrainedService } from '../../control/app/api/host-care.ts';
import type { Host } from '../../control/app/api/hosts.ts';
import type { Job } from '../../control/app/api/jobs.ts';
import type { ServiceDetail } from '../../control/app/api/services.ts';
import type { ApiKey } from '../../control/app/api/keys.ts';

export const AT = Date.parse('2026-03-29T10:00:00Z');

export const toApiKey = (caller: Caller): ApiKey => ({
  id: caller.keyId,
  name: caller.name,
  hint: 'lsk_ab',
  permissions: caller.permissions,
  customerId: caller.customerId,
  hostLabels: caller.hostLabels,
  rateLimit: caller.rateLimit,
  createdAt: AT,
  expiresAt: null,
  lastUsedAt: null,
});

export const FACTS: NonNullable<Host['facts']> = {
  hostname: 'host',
  os: 'Debian',
  kernel: '6.1',
  arch: 'x64',
  cpus: 2,
  memoryBytes: 4_000_000_000,
  memoryFreeBytes: 2_000_000_000,
  diskBytes: 40_000_000_000,
  diskFreeBytes: 20_000_000_000,
  dockerVersion: '28.5.2',
  composeVersion: '2.40.3',
  agentVersion: '0.1.0',
  addresses: ['203.0.113.7', '2001:db8::7'],
};

export const SERVICE: ServiceDetail = {
  id: 'svc_abc123',
  name: 'my-app',
  displayName: null,
  category: null,
  lifecycle: 'running',
  health: 'healthy',
  isEnabled: true,
  reason: null,
  customerId: 'cust_def456',
  hostId: 'host_a',
  method: 'template',
  templateId: 'uptime-kuma',
  labels: {},
  revision: 1,
  report: {
    serviceId: 'svc_abc123',
    lifecycle: 'running',
    health: 'healthy',
    reason: null,
    revision: 1,
    containers: [
      {
        id: 'c0ffee',
        name: 'my-app-web-1',
        service: 'web',
        image: 'louislam/uptime-kuma:1',
        imageId: 'sha256:0',
        state: 'running',
        health: 'healthy',
        exitCode: null,
        startedAt: AT,
        ports: [
          { host: 9443, container: 9443, protocol: 'tcp', address: '0.0.0.0' },
          { host: 53, container: 53, protocol: 'udp', address: '0.0.0.0' },
          { host: 3001, container: 3001, protocol: 'tcp', address: '0.0.0.0' },
        ],
      },
    ],
    at: AT,
  },
  createdAt: AT,
  updatedAt: AT + 300_000,
  limits: { cpu: null, memoryMb: null },
  suspendedFrom: null,
  autoUpdate: null,
  updateAvailable: null,
  updates: null,
  setId: null,
  setRevision: null,
  hostname: null,
  deployedAt: AT + 300_000,
  customerName: 'Acme Corp',
  git: null,
  compose: "version: '3.8'\nservices:\n  ...",
  variables: { SERVICE_NAME: 'my-app' },
  rollbackOnFailure: true,
  healthTimeoutS: 120,
  healthChecks: [{ type: 'http', path: '/healthz' }],
  lastOutput: 'HTTP 200 OK',
  watchPaths: [],
  isReviewed: false,
  waiting: null,
  usage: null,
};

export const DRAINED: DrainedService = {
  id: 'svc_1',
  name: 'web',
  action: 'stopping',
  reason: null,
  jobId: 'job_1',
  data: { volumes: ['data'], folders: [] },
};

export const INCIDENT: Incident = {
  id: 'inc_1',
  kind: 'hosts.mass_disconnect',
  startedAt: AT,
  endedAt: null,
  hostCount: 3,
  awayCount: 2,
  message: '3 hosts went away together; 2 are still away',
};

export const JOB: Job = {
  id: 'job_xyz456',
  serviceId: 'svc_abc123',
  serviceName: 'my-app',
  hostId: 'host_a',
  kind: 'deploy',
  state: 'succeeded',
  error: null,
  failedStep: null,
  plan: null,
  rolledBackTo: null,
  isUnchanged: false,
  cause: null,
  backupId: null,
  createdAt: AT,
  startedAt: AT,
  finishedAt: AT,
};
