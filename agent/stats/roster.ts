// Which containers run for which service, with what an inspect tells of each. Docker is asked for the list only after
// an event has said that it changed; what changes without an event (health checks, `docker update`) is looked up at
// times of its own.
import type { Container, ContainerSummary, Engine } from '../docker/engine.ts';
import type { EngineSignal } from '../docker/events.ts';
import { ownerOf, type OwnService } from '../owner.ts';
import { maskCut, type SecretSource } from '../secrets/mask.ts';
import { Meter, type MeterDeps } from './meter.ts';

/** With Docker's default interval of 30 s the last check shown is then at most a minute old. */
const CHECKS_EVERY_MS = 30_000;
/** For what changes without an event, and for an event that was lost. */
const ALL_EVERY_MS = 5 * 60_000;

export interface Member {
  serviceId: string;
  container: Container;
  meter: Meter;
  inspectedAt: number;
}

export interface RosterDeps extends MeterDeps {
  engine: Pick<Engine, 'readUsage' | 'listAll' | 'findContainer'>;
  /** Kept out of what health checks print. */
  secrets: Pick<SecretSource, 'secretsOf'>;
}

export class Roster {
  readonly #deps: RosterDeps;
  readonly #members = new Map<string, Member>();
  /** Members that an event named. */
  readonly #changed = new Set<string>();
  /** The list itself may be another. */
  #isStale = true;
  #listedAt = 0;

  constructor(deps: RosterDeps) {
    this.#deps = deps;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  heed(signal: EngineSignal): void {
    this.#isStale = true;
    for (const id of this.#members.keys()) {
      if (signal.kind === 'resync' || signal.event.containerId === id) this.#changed.add(id);
    }
  }

  /**
   * Throws `docker_unavailable`: what was known stays, and the next call tries again. Says whether a container is new.
   * `now` is of `Clock.elapsed`.
   */
  async refresh(services: readonly OwnService[], now: number): Promise<boolean> {
    const isListDue = this.#isStale || now - this.#listedAt >= ALL_EVERY_MS;
    this.#isStale = false; // before the questions: what happens meanwhile asks again
    try {
      const added = isListDue ? await this.#list(services, now) : [];
      const due = [...this.#members.values()].filter((member) => this.#isDue(member, now));
      const known = due.map(({ container: { id }, serviceId }) => ({ id, serviceId }));
      await Promise.all([...known, ...added].map(({ id, serviceId }) => this.#inspect(id, serviceId, now)));
      return added.length > 0;
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  /** Lets go of all; the next refresh starts over. */
  clear(): void {
    for (const { meter } of this.#members.values()) meter.close();
    this.#members.clear();
    this.#isStale = true;
  }

  /** Lets go of what no longer runs; returns what is new. */
  async #list(services: readonly OwnService[], now: number): Promise<{ id: string; serviceId: string }[]> {
    const all = await this.#deps.engine.listAll();
    this.#listedAt = now;
    const running = new Map(all.filter(isRunning).flatMap((container) => entryOf(container, services)));
    for (const id of this.#members.keys()) if (!running.has(id)) this.#drop(id);
    const added = [...running].filter(([id]) => !this.#members.has(id));
    return added.map(([id, serviceId]) => ({ id, serviceId }));
  }

  #isDue({ container, inspectedAt }: Member, now: number): boolean {
    const ageMs = now - inspectedAt;
    const isChecked = container.hasHealthCheck && ageMs >= CHECKS_EVERY_MS;
    return isChecked || ageMs >= ALL_EVERY_MS || this.#changed.has(container.id);
  }

  /** A container keeps its meter, and with it its last reading, as long as it is the same process. */
  async #inspect(id: string, serviceId: string, now: number): Promise<void> {
    this.#changed.delete(id);
    const found = await this.#deps.engine.findContainer(id);
    if (!found || found.pid === 0) return this.#drop(id);
    const container = { ...found, probeOutput: this.#mask(serviceId, found.probeOutput) };
    const known = this.#members.get(id);
    const isSame = known?.meter.pid === container.pid;
    if (!isSame) known?.meter.close();
    const meter = isSame ? known.meter : new Meter(container, this.#deps);
    this.#members.set(id, { serviceId, container, meter, inspectedAt: now });
  }

  #mask(serviceId: string, output: string): string {
    return output === '' ? '' : maskCut(output, this.#deps.secrets.secretsOf(serviceId));
  }

  #drop(id: string): void {
    this.#members.get(id)?.meter.close();
    this.#members.delete(id);
    this.#changed.delete(id);
  }
}

const isRunning = ({ state }: ContainerSummary): boolean => state === 'running' || state === 'paused';

function entryOf(container: ContainerSummary, services: readonly OwnService[]): [string, string][] {
  const owner = ownerOf(container, services);
  return owner ? [[container.id, owner.serviceId]] : [];
}
