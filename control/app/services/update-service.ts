// Changing a service. Its source is checked and decided first; settings, limits, revision, job and event are one write.
// Only what reaches containers makes a deploy, and the host's planner recreates only those it concerns.
import { isDeepStrictEqual } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceLimits } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord, ServiceSettings, ServiceSource } from '../../store/records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { ServiceChange } from '../api/services.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import { checkWatchPaths } from '../git/git-redraft.ts';
import type { Refuse } from './service-draft.ts';
import { requireReviewable } from '../deploys/review.ts';
import type { ServiceJobs } from './service-jobs.ts';
import { requireNoSet } from '../sets/member-guard.ts';
import { mergeLabels, redraftSource } from './service-redraft.ts';
import type { TemplateShelf } from '../templates/template-shelf.ts';
import type { TemplateSource } from '../templates/template-source.ts';
import { requireUpdatable } from '../updates/decide.ts';

export interface UpdateDeps {
  stores: Stores;
  access: Access;
  customerRules: CustomerRules;
  serviceJobs: ServiceJobs;
  shelf: TemplateShelf;
  templates: TemplateSource;
  /** Host ports of Longshore itself. */
  reservedPorts: () => readonly number[];
  clock: Clock;
}

export interface Updated {
  serviceId: string;
  /** Null when nothing needs a deploy. */
  jobId: string | null;
}

/** Checks and decides; returns the write that does it. */
export function planUpdate(
  deps: UpdateDeps,
  caller: Caller,
  id: string,
  change: ServiceChange,
): (tx: WriteContext) => Updated {
  requireNoSet(deps.access.requireService(caller, id), 'changed');
  const draft = draftUpdate(deps, caller, id, change);
  return (tx) => writeChange(deps, tx, caller, deps.access.requireService(caller, id), draft, change);
}

/** What the service would be after the change, and whether that takes a deploy. */
export interface Preview {
  service: ServiceRecord;
  source: ServiceSource;
  deploys: boolean;
}

/** The same checks; what the policy refuses goes to `refuse`. */
export function previewUpdate(
  deps: UpdateDeps,
  caller: Caller,
  id: string,
  change: ServiceChange,
  refuse: Refuse,
): Preview {
  const { access, stores, customerRules } = deps;
  const service = access.requireService(caller, id);
  const { source } = draftUpdate(deps, caller, id, change, refuse);
  customerRules.requireActive(service.customerId);
  const limits = limitsOf(deps, service, source, change);
  return {
    service: { ...service, ...settingsOf(service, change), limits },
    source: source ?? stores.services.requireSource(id),
    deploys: needsDeploy(service, source, limits),
  };
}

interface Draft {
  /** Of the service that was looked at. */
  revision: number;
  /** What it was made of then: a key that is made for it is no revision. */
  before: ServiceSource;
  /** Null when it stays as it is. */
  source: ServiceSource | null;
}

function draftUpdate(deps: UpdateDeps, caller: Caller, id: string, change: ServiceChange, refuse?: Refuse): Draft {
  const { access, stores } = deps;
  const service = access.requireService(caller, id);
  requireRevision(service, change.revision);
  requireReviewable(service.method, change.review);
  requireUpdatable(service.method, change.autoUpdate);
  checkWatchPaths(change.gitWatchPaths ?? []);
  const before = stores.services.requireSource(id);
  return { revision: service.revision, before, source: redraft(deps, caller, service, before, change, refuse) };
}

/** What it is made of after the change; null when that stays as it is. Throws 422 errors only. */
export function redraft(
  { reservedPorts, shelf, templates }: Pick<UpdateDeps, 'reservedPorts' | 'shelf' | 'templates'>,
  caller: Caller,
  subject: Pick<ServiceRecord, 'name' | 'customerId' | 'method' | 'templateId'>,
  before: ServiceSource,
  change: ServiceChange,
  refuse?: Refuse,
): ServiceSource | null {
  const source = redraftSource(subject, before, change, {
    reservedPorts: reservedPorts(),
    refuse,
    renderTemplate: (given) =>
      // What was stored before templates were kept with their services is rendered by the template of now.
      typeof before.templateDocument === 'string'
        ? templates.render(before.templateDocument, given)
        : shelf.rendererFor(caller, subject.customerId).render(subject.templateId ?? '', given),
  });
  return isDeepStrictEqual(source, before) ? null : source;
}

function writeChange(
  deps: UpdateDeps,
  tx: WriteContext,
  caller: Caller,
  service: ServiceRecord,
  { revision, before, source }: Draft,
  change: ServiceChange,
): Updated {
  const { stores, customerRules, serviceJobs, clock } = deps;
  const serviceId = service.id;
  requireRevision(service, revision); // again: another change may have been faster
  if (source && !isDeepStrictEqual(stores.services.requireSource(serviceId), before)) throw givenKey(service);
  customerRules.requireActive(service.customerId);
  const limits = limitsOf(deps, service, source, change);
  const settings = settingsOf(service, change);
  stores.services.setSettings(serviceId, settings, clock.now());
  if (change.review !== undefined) stores.reviews.setWanted(serviceId, change.review);
  if (change.gitWatchPaths !== undefined) stores.gitHooks.setWatchPaths(serviceId, change.gitWatchPaths ?? []);
  if (change.autoUpdate !== undefined) stores.services.setAutoUpdate(serviceId, change.autoUpdate);
  const told = { serviceId, hostId: service.hostId, type: 'service', status: 'updated', message: 'Changed' };
  stores.events.insert({ ...told, at: clock.now() });
  if (!needsDeploy(service, source, limits)) return { serviceId, jobId: null };
  if (source) stores.services.setSource(serviceId, source);
  return { serviceId, jobId: serviceJobs.deployChanged(tx, caller, { ...service, ...settings, limits }) };
}

const givenKey = ({ name }: ServiceRecord): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `Service "${name}" was given a deploy key meanwhile: send the change again`,
  });

/** What merely is shown or waited for leaves them as they are. */
function limitsOf(
  { customerRules }: UpdateDeps,
  service: ServiceRecord,
  source: ServiceSource | null,
  { limits }: ServiceChange,
): ServiceLimits {
  return source !== null || limits !== undefined ? customerRules.allotAgain(service, limits) : service.limits;
}

const needsDeploy = (service: ServiceRecord, source: ServiceSource | null, limits: ServiceLimits): boolean =>
  source !== null || !isDeepStrictEqual(limits, service.limits);

export function settingsOf(service: ServiceSettings, change: ServiceChange): ServiceSettings {
  return {
    displayName: change.displayName === undefined ? service.displayName : change.displayName,
    category: change.category === undefined ? service.category : change.category,
    labels: mergeLabels(service.labels, change.labels),
    rollbackOnFailure: change.rollbackOnFailure ?? service.rollbackOnFailure,
    healthTimeoutS: change.healthTimeoutS ?? service.healthTimeoutS,
  };
}

export function requireRevision(
  { name, revision }: Pick<ServiceRecord, 'name' | 'revision'>,
  expected: number | undefined,
  what = 'Service',
): void {
  if (expected === undefined || expected === revision) return;
  throw new LongshoreError('state_conflict', {
    message: `${what} "${name}" has moved on: its revision is ${revision}, not ${expected}`,
    details: 'Read it again and decide anew.',
  });
}
