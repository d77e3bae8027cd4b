// Whom a key lets see what. What a caller may not see does not exist for it: not_found, never forbidden, so that nobody
// learns by asking which ids are taken.
import { LongshoreError } from '#shared/errors.ts';
import type {
  BackupRepositoryRecord,
  CustomerRecord,
  RegistryRecord,
  VariableRecord,
} from '../../store/customer-records.ts';
import type { BackupRecord, HostRecord, JobRecord, ServiceRecord, Visibility } from '../../store/records.ts';
import type { SetRecord } from '../../store/set-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import { missing } from '../missing.ts';

export class Access {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  visibility(caller: Caller): Visibility {
    const { customerId, hostLabels } = caller;
    if (hostLabels === null) return { customerId, hostIds: null };
    const hosts = this.#stores.hosts.labels().filter(({ labels }) => hasLabels(labels, hostLabels));
    return { customerId, hostIds: hosts.map(({ id }) => id) };
  }

  findService(caller: Caller, id: string): ServiceRecord | undefined {
    const service = this.#stores.services.find(id);
    return service && this.#isSeen(caller, service) ? service : undefined;
  }

  requireService(caller: Caller, id: string): ServiceRecord {
    const service = this.findService(caller, id);
    if (!service) throw missing('service', id);
    return service;
  }

  /**
   * A caller that is bound to hosts sees a set when it sees every host the set could ever come to, and each that has a
   * member now.
   */
  requireSet(caller: Caller, id: string): SetRecord {
    const set = this.#stores.sets.find(id);
    if (!set || !isBoundWithin(caller, set)) throw missing('set', id);
    const members = caller.hostLabels === null ? [] : this.#stores.services.ofSet(id);
    if (!members.every((member) => this.#isSeen(caller, member))) throw missing('set', id);
    return set;
  }

  requireJob(caller: Caller, id: string): JobRecord {
    const job = this.#stores.jobs.find(id);
    if (!job || !this.#isSeen(caller, job)) throw missing('job', id);
    return job;
  }

  requireBackup(caller: Caller, id: string): BackupRecord {
    const backup = this.#stores.backups.find(id);
    if (!backup || !this.#isSeen(caller, backup)) throw missing('backup', id);
    return backup;
  }

  requireHost(caller: Caller, id: string): HostRecord {
    const host = this.#stores.hosts.find(id);
    if (!host || host.removedAt !== null || !isHostSeen(caller, host)) throw missing('host', id);
    return host;
  }

  requireCustomer(caller: Caller, id: string): CustomerRecord {
    const customer = isOwn(caller, id) ? this.#stores.customers.find(id) : undefined;
    if (!customer) throw missing('customer', id);
    return customer;
  }

  requireRegistry(caller: Caller, id: string): RegistryRecord {
    const registry = this.#stores.registries.find(id);
    if (!registry || !isOwn(caller, registry.customerId)) throw missing('registry', id);
    return registry;
  }

  /** One of its plan is a customer's to use, too. */
  requireBackupRepository(caller: Caller, id: string): BackupRepositoryRecord {
    const found = this.#stores.backupRepositories.find(id);
    const { customerId } = caller;
    const planId = customerId === null ? null : (this.#stores.customers.find(customerId)?.planId ?? null);
    const isOfPlan = found !== undefined && found.planId !== null && found.planId === planId;
    if (!found || !(isOfPlan || isOwn(caller, found.customerId))) throw missing('backup repository', id);
    return found;
  }

  requireVariable(caller: Caller, id: string): VariableRecord {
    const variable = this.#stores.variables.find(id);
    if (!variable || !isOwn(caller, variable.customerId)) throw missing('shared variable', id);
    return variable;
  }

  /** What is about customers as such is not for a key that is bound to one. */
  requireOperator(caller: Caller, doing: string): void {
    if (caller.customerId === null) return;
    throw new LongshoreError('forbidden', { message: `This API key is bound to a customer: it cannot ${doing}` });
  }

  /** What reaches services on every host is not for a key that sees some of them. */
  requireFleetOperator(caller: Caller, doing: string): void {
    this.requireOperator(caller, doing);
    this.requireEveryHost(caller, doing);
  }

  requireEveryHost(caller: Caller, doing: string): void {
    if (caller.hostLabels === null) return;
    throw new LongshoreError('forbidden', { message: `This API key is bound to some hosts: it cannot ${doing}` });
  }

  /** Hosts carry the services of every customer: a key bound to one may use and see them, not let them in or out. */
  requireHostOperator(caller: Caller): void {
    this.requireOperator(caller, 'change hosts');
  }

  #isSeen(caller: Caller, { customerId, hostId }: { customerId: string | null; hostId: string }): boolean {
    if (!isOwn(caller, customerId)) return false;
    if (caller.hostLabels === null) return true;
    const host = this.#stores.hosts.find(hostId);
    return host !== undefined && isHostSeen(caller, host);
  }
}

const isOwn = (caller: Caller, customerId: string | null): boolean =>
  caller.customerId === null || caller.customerId === customerId;

/** Whose something new is: the customer that is asked for, or the caller's own; null is the operator. */
export function ownerFor(caller: Caller, asked: string | undefined): string | null {
  if (asked === undefined) return caller.customerId;
  if (!isOwn(caller, asked)) throw missing('customer', asked);
  return asked;
}

export const isHostSeen = (caller: Caller, host: Pick<HostRecord, 'labels'>): boolean =>
  caller.hostLabels === null || hasLabels(host.labels, caller.hostLabels);

/** What a bound caller made or may manage is bound at least as tightly; `hasLabelsSql` of the stores says the same. */
export const isBoundWithin = (
  { customerId, hostLabels }: Caller,
  bound: { customerId: string | null; hostLabels: Record<string, string> | null },
): boolean =>
  (customerId === null || customerId === bound.customerId) &&
  (hostLabels === null || hasLabels(bound.hostLabels ?? {}, hostLabels));

/** Whether `labels` holds each of `wanted` with the same value. */
export const hasLabels = (labels: Record<string, string>, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);
