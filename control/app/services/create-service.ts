// Creating a service: everything is checked and decided first, then service, job, event and command are one write.
import { LongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { AdoptedContainer, PullPolicy } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import type { HostRecord, ServiceRecord, ServiceSource } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { isHostSeen, hasLabels, ownerFor, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Bus } from '../api/live.ts';
import type { NewService } from '../api/services.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import type { JobStarts } from '../jobs/job-starts.ts';
import { UNLIMITED, type AskedLimits } from '../customers/plan-limits.ts';
import { choosePlacement, requireConsistent, requireOpen, requireTaking } from './placement.ts';
import { ACTION_EXPIRY_MS } from './service-jobs.ts';
import { draftService, type Refuse, type ServiceDraft } from './service-draft.ts';
import type { TemplateShelf } from '../templates/template-shelf.ts';

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

/** Checks, renders and places; returns the write that does it. `adopts`: nothing is deployed, these are taken over. */
export function planCreate(
  deps: CreateDeps,
  caller: Caller,
  input: NewService,
  adopts?: readonly AdoptedContainer[],
): (tx: WriteContext) => Created {
  const { record, draft } = draftCreate(deps, caller, input);
  const order = { pull: input.pull ?? 'missing', madeBy: caller.name };
  const { limits, review, source } = input;
  const watchPaths = 'watchPaths' in source ? source.watchPaths : undefined;
  return (tx) =>
    insertService(deps, tx, record, draft.source, { ...order, limits, isReviewed: review, watchPaths, adopts });
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
  const { customerId, draft } = draftNew(deps, caller, input, refuse);
  const hostId = placeService(deps, caller, input);
  const fields = { ...toFields(input, draft), customerId, hostId, setId: null };
  return { record: { ...newRecord(deps.clock.now(), fields), autoUpdate: input.autoUpdate ?? null }, draft };
}

/** What it would be made of and whose it would be, wherever it runs. */
export function draftNew(
  { customerRules, shelf, allowsFileGit, reservedPorts }: CreateDeps,
  caller: Caller,
  input: NewService,
  refuse?: Refuse,
): { customerId: string | null; draft: ServiceDraft } {
  requireConsistent(input);
  const customerId = ownerFor(caller, input.customerId);
  customerRules.requireKnown(customerId);
  const templates = shelf.rendererFor(caller, customerId);
  const context = { customerId, templates, reservedPorts: reservedPorts(), allowsFileGit, refuse };
  return { customerId, draft: draftService(input, context) };
}

function placeService({ stores, access, links }: CreateDeps, caller: Caller, input: NewService): string {
  const labels = input.placement?.labels ?? {};
  if (input.hostId === undefined) {
    const isFit = (host: HostRecord) =>
      host.cordonedAt === null && isHostSeen(caller, host) && !links.isFenced(host.id);
    const hosts = stores.hosts.all().filter(isFit);
    return choosePlacement(hosts.map(toCandidate(links)), labels).id;
  }
  const host = access.requireHost(caller, input.hostId);
  requireOpen(host);
  requireTaking(host);
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

type ChosenFields = Pick<
  ServiceRecord,
  'name' | 'displayName' | 'category' | 'method' | 'templateId' | 'labels' | 'rollbackOnFailure' | 'healthTimeoutS'
>;

/** What its user says of a service. */
export const toFields = (input: NewService, draft: ServiceDraft): ChosenFields => ({
  name: input.name,
  displayName: input.displayName ?? null,
  category: input.category ?? null,
  method: input.source.method,
  templateId: draft.templateId,
  labels: input.labels ?? {},
  rollbackOnFailure: input.rollbackOnFailure ?? true,
  healthTimeoutS: draft.healthTimeoutS,
});

/** A service as it is before its host has heard of it. */
export const newRecord = (
  now: number,
  fields: ChosenFields & Pick<ServiceRecord, 'customerId' | 'hostId' | 'setId'>,
): ServiceRecord => ({
  ...fields,
  id: newId('svc', now),
  lifecycle: 'deploying',
  health: 'unknown',
  isEnabled: true,
  reason: null,
  revision: 1,
  createdAt: now,
  updatedAt: now,
  deployedAt: null,
  limits: UNLIMITED, // decided inside the write
  suspendedFrom: null,
  autoUpdate: null,
  updateAvailable: null,
  report: null,
  setRevision: null,
  hostname: null,
});

/** What is asked for beside the service itself. */
export interface InsertOrder {
  limits: AskedLimits | undefined;
  pull: PullPolicy;
  madeBy: string | undefined;
  cause?: string | undefined;
  /** Its deploys stop at their plan. */
  isReviewed?: boolean | undefined;
  /** What a push must touch to deploy. */
  watchPaths?: readonly string[] | undefined;
  /** The backup whose data its volumes begin with. */
  backupId?: string | undefined;
  /** What runs already and is all that the service is: its job takes it over. */
  adopts?: readonly AdoptedContainer[] | undefined;
}

/** Service, job, event and command. Throws name_taken, no_host, plan_limit, customer_suspended. */
export function insertService(
  deps: Pick<CreateDeps, 'stores' | 'starts' | 'customerRules' | 'bus'>,
  tx: WriteContext,
  draft: ServiceRecord,
  source: ServiceSource,
  { limits, isReviewed = false, watchPaths = [], ...order }: InsertOrder,
): Created {
  const { stores, starts, customerRules, bus } = deps;
  const { id, hostId, customerId, createdAt } = draft;
  const host = stores.hosts.find(hostId); // again: it may have been shut out or cordoned since it was chosen
  requireOpen(host);
  requireTaking(host);
  requireFreeName(deps, draft);
  const service = { ...draft, limits: customerRules.allotNew(customerId, limits) };
  stores.services.insert(service, source);
  if (isReviewed) stores.reviews.setWanted(id, true);
  stores.gitHooks.setWatchPaths(id, watchPaths);
  const message = order.adopts ? 'Made of what runs already' : `Created with ${service.method}`;
  stores.events.insert({ serviceId: id, hostId, type: 'service', status: 'created', message, at: createdAt });
  const jobId = starts.start(tx, service, { ...kindOf(order, createdAt), ...order });
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

/** By the time an adoption is late, other containers may run. */
const kindOf = ({ adopts }: Pick<InsertOrder, 'adopts'>, now: number) =>
  adopts
    ? ({ kind: 'adopt', expiresAt: now + ACTION_EXPIRY_MS } as const)
    : ({ kind: 'deploy', expiresAt: null } as const);

/** Throws name_taken. */
export function requireFreeName(
  { stores }: Pick<CreateDeps, 'stores'>,
  { hostId, name }: Pick<ServiceRecord, 'hostId' | 'name'>,
): void {
  if (!stores.services.findByName(hostId, name)) return;
  throw new LongshoreError('name_taken', {
    message: `The host already has a service "${name}"`,
    fields: { name: 'is taken on this host' },
  });
}
