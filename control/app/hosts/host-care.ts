// What operators do to hosts: names and labels, no new services, removal. Drains are in drains.ts.
import { LongshoreError } from '#shared/errors.ts';
import { count } from '#shared/count.ts';
import type { HostRecord, ServiceRecord } from '../../store/records.ts';
import type { WriteContext } from '../../store/stores.ts';
import { hasLabels, type Access } from '../access/access.ts';
import type { Caller } from '../api/caller.ts';
import type { Drain, HostCare, HostChange, Undrain } from '../api/host-care.ts';
import type { Host } from '../api/hosts.ts';
import type { Bus } from '../api/live.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { respreadByLabels, respreadStarts } from '../schedules/spread.ts';
import type { Drains } from './drains.ts';
import { HOST_NAME, HOST_NAME_RULE } from './host-name.ts';
import type { HostDesk } from './hosts.ts';
import { mergeLabels } from './labels.ts';
import type { HostLinks } from './host-links.ts';
import { shutOut, type ShutOutDeps } from './shut-out.ts';

/** Of a long list the first say enough. */
const MAX_NAMED = 10;

export interface HostCareDeps extends ShutOutDeps {
  access: Access;
  effects: IdempotencyDesk;
  hosts: Pick<HostDesk, 'require'>;
  drains: Drains;
  bus: Bus;
  links: HostLinks;
}

export class HostCareDesk implements HostCare {
  readonly #deps: HostCareDeps;

  constructor(deps: HostCareDeps) {
    this.#deps = deps;
  }

  change(caller: Caller, id: string, change: HostChange): Promise<Host> {
    return this.#act(caller, id, (tx, host) => this.#change(tx, caller, host, change));
  }

  cordon(caller: Caller, id: string): Promise<Host> {
    return this.#act(caller, id, (tx, host) => {
      if (host.cordonedAt !== null) return;
      const { stores, clock } = this.#deps;
      stores.hosts.setCordon(id, { cordonedAt: clock.now(), drainedAt: null });
      this.#tell(tx, id, 'cordoned', `Host "${host.name}" takes no new services`);
    });
  }

  uncordon(caller: Caller, id: string): Promise<Host> {
    return this.#act(caller, id, (tx, host) => {
      if (host.drainedAt !== null) throw isDrained(host);
      if (host.cordonedAt === null) return;
      this.#deps.stores.hosts.setCordon(id, { cordonedAt: null, drainedAt: null });
      this.#tell(tx, id, 'uncordoned', `Host "${host.name}" takes new services again`);
    });
  }

  async drain(caller: Caller, id: string): Promise<Drain> {
    const { effects, drains, stores, clock, hosts } = this.#deps;
    const services = await effects.perform(() => (tx) => {
      const host = this.#requireOpen(caller, id);
      if (host.drainedAt === null) {
        const now = clock.now();
        stores.hosts.setCordon(id, { cordonedAt: host.cordonedAt ?? now, drainedAt: now });
        respreadStarts(stores, now);
        this.#tell(tx, id, 'drained', `Host "${host.name}" is drained: its services are stopped`);
      }
      return drains.empty(tx, host);
    });
    return { host: hosts.require(caller, id), services };
  }

  async undrain(caller: Caller, id: string): Promise<Undrain> {
    const { effects, drains, stores, clock, hosts } = this.#deps;
    const services = await effects.perform(() => (tx) => {
      const host = this.#requireOpen(caller, id);
      if (host.drainedAt === null) return [];
      stores.hosts.setCordon(id, { cordonedAt: null, drainedAt: null });
      respreadStarts(stores, clock.now());
      this.#tell(tx, id, 'undrained', `Host "${host.name}" is in use again: what ran is started`);
      return drains.fill(tx, host);
    });
    return { host: hosts.require(caller, id), services };
  }

  async remove(caller: Caller, id: string, isForced: boolean): Promise<void> {
    const { effects, access, stores } = this.#deps;
    await effects.perform(() => (tx) => {
      access.requireHostOperator(caller);
      const host = access.requireHost(caller, id);
      const services = stores.services.ofHost(id);
      if (services.length > 0 && !isForced) throw isUsed(host, services);
      this.#remove(tx, host, services);
      return { id };
    });
  }

  /** The row stays and keeps the key out; a token made from now on lets the machine in again. */
  #remove(tx: WriteContext, host: HostRecord, services: readonly ServiceRecord[]): void {
    const { stores, ends, clock } = this.#deps;
    const { id: hostId, name } = host;
    const now = clock.now();
    shutOut(this.#deps, tx, host);
    for (const service of services) {
      const message = `Its host "${name}" was removed; what runs there runs on`;
      stores.events.insert({ serviceId: service.id, hostId, type: 'service', status: 'forgotten', message, at: now });
      ends.forget(service, now);
    }
    stores.hosts.setRemoved(hostId, now);
    this.#tell(tx, hostId, 'removed', `Host "${name}" was removed with ${count(services.length, 'service')}`);
  }

  #change(tx: WriteContext, caller: Caller, host: HostRecord, change: HostChange): void {
    const { stores } = this.#deps;
    const { id } = host;
    const name = change.name ?? host.name;
    const labels = mergeLabels(host.labels, change.labels ?? {});
    if (name !== host.name) this.#requireName(name);
    requireBound(caller, labels);
    stores.hosts.setNaming(id, { name, labels });
    if (name !== host.name) this.#tell(tx, id, 'renamed', `Host "${host.name}" is called "${name}" now`);
    if (isSame(labels, host.labels)) return;
    respreadByLabels(stores);
    this.#tell(tx, id, 'labelled', `Labels of host "${name}": ${inWords(labels)}`);
  }

  #requireName(name: string): void {
    if (!HOST_NAME.test(name)) throw new LongshoreError('validation_error', { fields: { name: HOST_NAME_RULE } });
    if (!this.#deps.stores.hosts.isNameTaken(name)) return;
    const fields = { name: 'another host has it' };
    throw new LongshoreError('name_taken', { message: `There is a host "${name}" already`, fields });
  }

  async #act(caller: Caller, id: string, work: (tx: WriteContext, host: HostRecord) => void): Promise<Host> {
    const { effects, hosts } = this.#deps;
    await effects.perform(() => (tx) => {
      work(tx, this.#requireOpen(caller, id));
      return { id };
    });
    return hosts.require(caller, id);
  }

  /** What was shut out has nothing left to change. */
  #requireOpen(caller: Caller, id: string): HostRecord {
    const { access } = this.#deps;
    access.requireHostOperator(caller);
    const host = access.requireHost(caller, id);
    if (host.revokedAt === null) return host;
    throw new LongshoreError('state_conflict', { message: `Host "${host.name}" was revoked` });
  }

  /** Sets and waiting rollouts hear of it as they hear of hosts that come. */
  #tell(tx: WriteContext, hostId: string, status: string, message: string): void {
    const { stores, links, bus, clock } = this.#deps;
    const at = clock.now();
    stores.events.insert({ hostId, type: 'host', status, message, at });
    tx.afterCommit(() => links.nudge(hostId));
    if (status !== 'removed')
      tx.afterCommit(() => bus.publish({ type: 'host.status', hostId, status: this.#now(hostId), at }));
  }

  #now(hostId: string): Host['status'] {
    const { links } = this.#deps;
    return links.isFenced(hostId) ? 'fenced' : links.isConnected(hostId) ? 'connected' : 'offline';
  }
}

/** Whoever is bound to hosts with some labels neither takes them off a host nor gives it others. */
function requireBound({ hostLabels }: Caller, labels: Record<string, string>): void {
  if (hostLabels === null || hasLabels(labels, hostLabels)) return;
  throw new LongshoreError('forbidden', { message: 'This API key is bound to the labels that you take away' });
}

const isDrained = ({ name }: HostRecord): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `Host "${name}" is drained`,
    details: 'Undraining it starts what ran, and lets it take new services.',
  });

function isUsed({ name }: HostRecord, services: readonly ServiceRecord[]): LongshoreError {
  const named = services.slice(0, MAX_NAMED).map((service) => `"${service.name}"`);
  const rest = services.length > MAX_NAMED ? ` and ${services.length - MAX_NAMED} more` : '';
  return new LongshoreError('in_use', {
    message: `${count(services.length, 'service')} of host "${name}" would be forgotten: ${named.join(', ')}${rest}`,
    details: 'Delete them first, or force it: their containers and data stay on the machine, unknown here.',
  });
}

const isSame = (a: Record<string, string>, b: Record<string, string>): boolean => hasLabels(a, b) && hasLabels(b, a);

const inWords = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ') || 'none';
