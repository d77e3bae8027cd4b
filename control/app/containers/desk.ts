// Containers of the fleet: found by what people call them, and acted on by whoever owns them: a service's by its jobs,
// so that what its user wants is remembered and healing keeps to it, others by their host at once.
import { LongshoreError } from '#shared/errors.ts';
import { isJobEnd } from '#shared/jobs.ts';
import type { LogEntry } from '#shared/model.ts';
import type { ContainerAct, ContainerSetup } from '#shared/protocol/container-parts.ts';
import { holds } from '../access/permissions.ts';
import type { Caller } from '../api/caller.ts';
import type { ContainerLogRange, ContainerOutcome, Containers, FleetContainer } from '../api/containers.ts';
import type { Jobs } from '../api/jobs.ts';
import type { Services } from '../api/services.ts';
import type { HostLinks } from '../hosts/host-links.ts';
import { throwFailure } from '../jobs/job-failure.ts';
import { recentLogs } from '../logs.ts';
import { askFleet, type FleetDeps } from './fleet.ts';
import { pickContainer, readCalled } from './pick.ts';

export interface ContainerDeps extends FleetDeps {
  links: Pick<HostLinks, 'ask' | 'openStream'>;
  services: Pick<Services, 'act' | 'redeploy'>;
  jobs: Pick<Jobs, 'wait'>;
}

export class ContainerDesk implements Containers {
  readonly #deps: ContainerDeps;

  constructor(deps: ContainerDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, { isMeasured }: { isMeasured: boolean }): ReturnType<Containers['list']> {
    return askFleet(this.#deps, caller, { isMeasured });
  }

  async require(caller: Caller, called: string, { isMeasured = false } = {}): Promise<FleetContainer> {
    const { containers, silent } = await askFleet(this.#deps, caller, { ...readCalled(called), isMeasured });
    const found = pickContainer(called, containers, silent);
    return isMeasured && called !== found.name ? this.#asListed(caller, found) : found;
  }

  async setup(caller: Caller, { hostId, id }: FleetContainer): Promise<ContainerSetup> {
    const withSecrets = holds(caller.permissions, 'secrets.read');
    return (await this.#deps.links.ask(hostId, 'container.setup', { containerId: id, withSecrets })).setup;
  }

  async act(caller: Caller, container: FleetContainer, act: ContainerAct, waitMs: number): Promise<ContainerOutcome> {
    const { services, links } = this.#deps;
    const { serviceId, hostId, id } = container;
    if (serviceId !== null) {
      const { isDone } = await services.act(caller, serviceId, act, waitMs);
      return { container: await this.#again(caller, container), isDone };
    }
    requireHostChanges(caller, container);
    await links.ask(hostId, 'container.act', { containerId: id, act }, { timeoutMs: waitMs });
    return { container: await this.#again(caller, container), isDone: true };
  }

  async update(caller: Caller, container: FleetContainer, waitMs: number): Promise<ContainerOutcome> {
    const { services, jobs, links } = this.#deps;
    const { serviceId, hostId, id } = container;
    if (serviceId !== null) {
      const { job } = await services.redeploy(caller, serviceId, { pull: 'always' });
      const ended = await jobs.wait(job.id, waitMs);
      throwFailure(ended);
      return { container: await this.#again(caller, container), isDone: isJobEnd(ended.state) };
    }
    requireHostChanges(caller, container);
    await links.ask(hostId, 'container.update', { containerId: id }, { timeoutMs: waitMs });
    return { container: await this.#again(caller, container), isDone: true };
  }

  async logs(
    { hostId, id }: FleetContainer,
    { lines, since }: ContainerLogRange,
    signal?: AbortSignal,
  ): Promise<LogEntry[]> {
    const reader = this.#deps.links.openStream(hostId, 'containerLogs', { containerId: id, tail: lines, since });
    if (signal?.aborted) reader.cancel();
    signal?.addEventListener('abort', () => reader.cancel(), { once: true });
    return (await recentLogs(reader)).logs;
  }

  /** Of its name there may be more than what it was asked for by. */
  async #asListed(caller: Caller, found: FleetContainer): Promise<FleetContainer> {
    const { containers } = await askFleet(this.#deps, caller, { called: found.name, isMeasured: false });
    const listed = containers.find(({ id, hostId }) => id === found.id && hostId === found.hostId);
    return { ...found, calledAs: listed?.calledAs ?? found.calledAs };
  }

  /** It may have been made anew: then it goes by its name. */
  async #again(caller: Caller, { id, name, hostId }: FleetContainer): Promise<FleetContainer | null> {
    for (const called of [id, name]) {
      const { containers } = await askFleet(this.#deps, caller, { called, host: hostId, isMeasured: false });
      const found = containers.find((one) => one.hostId === hostId && (one.id === id || one.name === name));
      if (found) return found;
    }
    return null;
  }
}

function requireHostChanges({ permissions }: Caller, { name }: FleetContainer): void {
  if (holds(permissions, 'hosts.update')) return;
  const message = `Container "${name}" belongs to no service: acting on it takes a right over its host`;
  throw new LongshoreError('forbidden', { message, details: 'Needs hosts.update' });
}
