// Any container of this host, whoever made it: what it is, how it is set up, and the acts on those that no service has.
// A service's containers are acted on by its jobs alone, or two writers would work on one service.
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { KnownContainer } from '#shared/protocol/container-parts.ts';
import type { Params, Result } from '#shared/protocol/schema.ts';
import type { Usage } from '#shared/stats.ts';
import { sleep } from '#shared/time.ts';
import { toContainerView, type Container, type ContainerSummary, type Engine } from '../docker/engine.ts';
import { ownerOf, type OwnService } from '../owner.ts';
import { createMask, followMask, type FindMask, type SecretSource } from '../secrets/mask.ts';
import type { UpdateDeps, UpdateNote } from './update.ts';
import { measure, type MeasureDeps } from './measure.ts';
import { isCalled, maskEnv, secretsIn, toKnown } from './shown.ts';

/** What a container may take to stop if it asks for that much; whoever waits for the answer waits as long. */
const STOP_GRACE_MS = 60_000;

export interface ContainersDeps extends MeasureDeps, UpdateDeps {
  engine: Engine;
  services: { names(): OwnService[] } & SecretSource;
  hostMemoryBytes: () => number;
  log: Logger;
  /** An update left something to be put in order: recover() is due. */
  onLeft: () => void;
}

/** Between tries to put back what an update left. */
const RECOVER_MS = 5_000;

export class Containers {
  /** Being made anew, by id and by name: the new one is left alone, too. */
  readonly #busy = new Set<string>();
  #isRecovering = false;
  readonly #deps: ContainersDeps;

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
  }

  async list(question: Params<'containers.list'>): Promise<Result<'containers.list'>> {
    const { page, perPage, called, serviceIds, isMeasured } = question;
    const { engine } = this.#deps;
    const services = this.#deps.services.names();
    const all = (await engine.listAll()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const wanted = all.filter((one) => called === undefined || isCalled(one, called));
    const seen = wanted.filter((one) => !serviceIds || serviceIds.includes(idOf(one, services) ?? ''));
    const cut = seen.slice((page - 1) * perPage, page * perPage);
    const found = await Promise.all(cut.map(({ id }) => engine.findContainer(id)));
    const containers = found.filter((one) => one !== undefined);
    const usages = await measure(this.#deps, isMeasured ? containers : []);
    return { items: containers.map((one) => this.#toKnown(one, services, usages.get(one.id))), total: seen.length };
  }

  async setup({ containerId, withSecrets }: Params<'container.setup'>): Promise<Result<'container.setup'>> {
    const { engine, services } = this.#deps;
    const [container, setup] = await Promise.all([engine.findContainer(containerId), engine.findSetup(containerId)]);
    if (!container || !setup) throw gone(containerId);
    if (withSecrets) return { setup };
    const serviceId = idOf(container, services.names());
    const mask = createMask(serviceId === undefined ? [] : services.secretsOf(serviceId));
    return {
      setup: { ...setup, env: maskEnv(setup.env, (value) => mask !== undefined && mask.text(value) !== value) },
    };
  }

  async act({ containerId, act }: Params<'container.act'>): Promise<void> {
    const { engine } = this.#deps;
    const { id, state } = await this.#requireForeign(containerId);
    if (act === 'stop') return engine.stopContainer(id, STOP_GRACE_MS);
    if (act === 'restart') return engine.restartContainer(id, STOP_GRACE_MS);
    return state === 'paused' ? engine.unpauseContainer(id) : engine.startContainer(id);
  }

  async update({ containerId }: Params<'container.update'>): Promise<Result<'container.update'>> {
    const container = await this.#requireForeign(containerId);
    const { id, name } = container;
    this.#busy.add(id).add(name);
    try {
      const { updateContainer } = await import('./update.ts'); // most agents are never asked
      const made = await updateContainer(this.#deps, container);
      return { containerId: made.id, isChanged: made.isChanged };
    } finally {
      this.#busy.delete(id);
      this.#busy.delete(name);
      if (this.#left().length > 0) this.#deps.onLeft();
    }
  }

  /** Puts in order what updates left when they, or this agent, ended half-way. Tries until Docker answers. */
  async recover(signal: AbortSignal): Promise<void> {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    try {
      while (!(await this.#settleLeft())) await sleep(this.#deps.clock, RECOVER_MS, signal);
    } finally {
      this.#isRecovering = false;
    }
  }

  /** Whether nothing is left. */
  async #settleLeft(): Promise<boolean> {
    for (const note of this.#left()) {
      const { settle } = await import('./update.ts');
      await settle(this.#deps, note).catch((err: unknown) => {
        this.#deps.log.warn({ err, container: note.name }, 'cannot put a container back yet');
      });
    }
    return this.#left().length === 0;
  }

  #left(): UpdateNote[] {
    return this.#deps.notes.all().filter(({ id }) => !this.#busy.has(id));
  }

  /** What its log must not show: its service's secrets, or what its own environment tells. */
  async maskOf({ id }: { id: string }): Promise<FindMask> {
    const { engine, services } = this.#deps;
    const [container, setup] = await Promise.all([engine.findContainer(id), engine.findSetup(id)]);
    const serviceId = container && idOf(container, services.names());
    if (serviceId !== undefined) return followMask(services, serviceId);
    const mask = createMask(secretsIn(setup?.env ?? []));
    return () => mask;
  }

  async #requireForeign(id: string): Promise<Container> {
    const container = await this.#deps.engine.findContainer(id);
    if (!container) throw gone(id);
    if (this.#busy.has(id) || this.#busy.has(container.name))
      throw new LongshoreError('service_busy', { message: `Container "${container.name}" is being updated` });
    if (idOf(container, this.#deps.services.names()) === undefined) return container;
    throw new LongshoreError('state_conflict', { message: `Container "${container.name}" belongs to a service` });
  }

  #toKnown(container: Container, services: readonly OwnService[], usage: Usage | undefined): KnownContainer {
    const { hostMemoryBytes, clock } = this.#deps;
    const { project } = container;
    const host = { ...toContainerView(container), project, serviceId: idOf(container, services) ?? null };
    return toKnown(container, host, { usage, hostMemoryBytes: hostMemoryBytes(), at: clock.now() });
  }
}

const idOf = (container: ContainerSummary, services: readonly OwnService[]): string | undefined =>
  ownerOf(container, services)?.serviceId;

const gone = (id: string): LongshoreError =>
  new LongshoreError('not_found', { message: `The host has no container "${id}" any more` });
