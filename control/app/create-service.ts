// Creating a service: everything is checked and decided first, then service, job, event and command are one write.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRecord, ServiceRecord, ServiceSource } from '../store/records.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import { isHostSeen, hasLabels, ownerFor, type Access } from './access.ts';
import type { Caller } from './api/caller.ts';
import type { Bus } from './api/live.ts';
import type { NewService } from './api/services.ts';
import type { CustomerRules } from './customer-rules.ts';
import type { HostLinks } from './host-links.ts';
import type { JobStarts } from './job-starts.ts';
import { UNLIMITED } from './plan-limits.ts';
import { choosePlacement, requireOpen } from './placement.ts';
import { draftService, type Refuse, type ServiceDraft } from './service-draft.ts';
import type { TemplateShelf } from './template-shelf.ts';

export interface CreateDeps {
  stores: Stores;
  access: Access;
  starts: JobStarts;
  customerRules: CustomerRules;
  links: HostLinks;
  shelf: TemplateShelf;
  /** Host ports of Longshore itself. */
  reservedPorts: () => readonly number[];
  /** Whether `file://` repositories are taken. */
  allowsFileGit: boolean;
  bus: Bus;
  clock: Clock;
}

export interface Created {
  serviceId: string;
  jobId: string;
}

/** Checks, renders and places; returns the write that does it. */
export function planCreate(deps: CreateDeps, caller: Caller, input: NewService): (tx: WriteContext) => Created {
  const { record, draft } = draftCreate(deps, caller, input);
  return (tx) => writeService(deps, tx, record, draft, { ...input, madeBy: caller.name });
}

/** What the service would be; what the policy refuses goes to `refuse`. */
export function previewCreate(
  deps: CreateDeps,
  caller: Caller,
  input: NewService,
  refuse: Refuse,
): { service: ServiceRecord; source: ServiceSource } {
  const { record, draft } = draftCreate(deps, caller, input, refuse);
  requireFreeName(deps, record);
  const limits = deps.customerRules.allotNew(record.customerId, input.limits);
  return { service: { ...record, limits }, source: draft.source };
}

function draftCreate(
  deps: CreateDeps,
  caller: Caller,
  input: NewService,
  refuse?: Refuse,
): { record: ServiceRecord; draft: ServiceDraft } {
  const { customerRules, shelf, allowsFileGit, reservedPorts, clock } = deps;
  const customerId = ownerFor(caller, input.customerId);
  customerRules.requireKnown(customerId);
  const templates = shelf.rendererFor(caller, customerId);
  const draft = draftService(input, { customerId, templates, reservedPorts: reservedPorts(), allowsFileGit, refuse });
  const hostId = placeService(deps, caller, input);
  return { record: toRecord(clock.now(), input, draft, { customerId, hostId }), draft };
}

function placeService({ stores, access, links }: CreateDeps, caller: Caller, input: NewService): string {
  const labels = input.placement?.labels ?? {};
  if (input.hostId === undefined) {
    const hosts = stores.hosts.all().filter((host) => isHostSeen(caller, host) && !links.isFenced(host.id));
    return choosePlacement(hosts.map(toCandidate(links)), labels).id;
  }
  const host = access.requireHost(caller, input.hostId);
  requireOpen(host);
  if (!hasLabels(host.labels, labels)) {
    throw new LongshoreError('no_host', { message: `Host "${host.name}" lacks the labels of placement.labels` });
  }
  return host.id;
}

const toCandidate =
  (links: HostLinks) =>
  ({ id, name, labels, facts, lastSeenAt }: HostRecord) => ({
    id,
    name,
    labels,
    isConnected: links.isConnected(id),
    memoryFreeBytes: facts?.memoryFreeBytes ?? null,
    lastSeenAt,
  });

function toRecord(
  now: number,
  input: NewService,
  draft: ServiceDraft,
  place: { customerId: string | null; hostId: string },
): ServiceRecord {
  return {
    ...place,
    id: newId('svc', now),
    name: input.name,
    displayName: input.displayName ?? null,
    category: input.category ?? null,
    lifecycle: 'deploying',
    health: 'unknown',
    isEnabled: true,
    reason: null,
    method: input.source.method,
    templateId: draft.templateId,
    labels: input.labels ?? {},
    revision: 1,
    rollbackOnFailure: input.rollbackOnFailure ?? true,
    healthTimeoutS: draft.healthTimeoutS,
    createdAt: now,
    updatedAt: now,
    deployedAt: null,
    limits: UNLIMITED, // decided inside the write
    suspendedFrom: null,
    report: null,
  };
}

function writeService(
  deps: CreateDeps,
  tx: WriteContext,
  draft: ServiceRecord,
  { source }: ServiceDraft,
  { pull, limits, madeBy }: NewService & { madeBy: string },
): Created {
  const { stores, starts, customerRules, bus } = deps;
  const { id, hostId, customerId, createdAt } = draft;
  requireOpen(stores.hosts.find(hostId)); // again: it may have been revoked since it was chosen
  requireFreeName(deps, draft);
  const service = { ...draft, limits: customerRules.allotNew(customerId, limits) };
  stores.services.insert(service, source);
  const message = `Created with ${service.method}`;
  stores.events.insert({ serviceId: id, hostId, type: 'service', status: 'created', message, at: createdAt });
  const jobId = starts.start(tx, service, { kind: 'deploy', pull: pull ?? 'missing', expiresAt: null, madeBy });
  tx.afterCommit(() =>
    bus.publish({
      type: 'service.status',
      serviceId: id,
      lifecycle: 'deploying',
      health: 'unknown',
      reason: null,
      at: createdAt,
    }),
  );
  return { serviceId: id, jobId };
}

function requireFreeName({ stores }: CreateDeps, { hostId, name }: ServiceRecord): void {
  if (!stores.services.findByName(hostId, name)) return;
  throw new LongshoreError('name_taken', {
    message: `The host already has a service "${name}"`,
    fields: { name: 'is taken on this host' },
  });
}
