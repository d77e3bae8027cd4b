// Own probes of this host's services: which container is asked what, and how it stands. Works without control, and with
// no list of its own to keep: Docker's list says who runs, the table of services what is asked.
//
// The checks in force are those of the revision that runs, or is being brought up: a deploy says when they change, and
// putting a revision back brings its own back. A change of health is told like an event of Docker's.
import { isDeepStrictEqual } from 'node:util';
import { sectionOf, type PolicyFile } from '#shared/compose/rules.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import { Serial } from '#shared/serial.ts';
import type { Clock } from '#shared/time.ts';
import { SERVICE_LABEL, type Container, type Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import { isUp } from '../deploy/observe.ts';
import { followMask, type SecretSource } from '../secrets/mask.ts';
import type { ServiceTable } from '../state/services.ts';
import { Attendant, type Patient } from './attendant.ts';
import type { HealthCheck } from './health-check.ts';
import { Slots } from './slots.ts';
import { newStanding, type Standing } from './tracker.ts';

/** Each is a socket, or a program and a connection to Docker. Most have answered long before they lose their slot. */
const AT_ONCE = { count: 8, holdMs: 2_000 };
/** For an event that was lost. */
const SWEEP_MS = 60_000;
/** A Docker that hangs does not say in time that what was asked of it is over. */
const STOP_LIMIT_MS = 5_000;

export interface ProbesDeps {
  services: Pick<ServiceTable, 'find' | 'probedIds' | 'healthChecksOf' | 'setHealthChecks'> & SecretSource;
  /** Without our own verdicts in it. */
  engine: Pick<Engine, 'listProject' | 'startExec'>;
  hub: Pick<EventHub, 'subscribe' | 'announce'>;
  policy: PolicyFile;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** What is asked of a service's containers. */
interface Probed {
  project: string;
  checks: readonly HealthCheck[];
  mayExec: boolean;
}

export class Probes {
  readonly #deps: ProbesDeps;
  readonly #services = new Map<string, Probed>();
  readonly #attendants = new Map<string, Attendant>();
  /** What was said of them before this process: a start of the agent is no news about a container. */
  readonly #remembered = new Map<string, { startedAt: number; standing: Standing }>();
  readonly #slots: Slots;
  readonly #serial = new Serial();
  readonly #due = new Set<string>();
  #isStopped = false;

  constructor(deps: ProbesDeps) {
    this.#deps = deps;
    this.#slots = new Slots({ ...AT_ONCE, clock: deps.clock });
    for (const id of deps.services.probedIds()) {
      this.#load(id);
      this.#remember(id);
    }
  }

  /** From now on these are asked, instead of what was; the same again changes nothing. */
  judgeBy(serviceId: string, checks: readonly HealthCheck[]): void {
    const { services } = this.#deps;
    if (isDeepStrictEqual(services.healthChecksOf(serviceId), checks)) return;
    services.setHealthChecks(serviceId, checks);
    const project = services.find(serviceId)?.spec.name;
    this.#services.delete(serviceId);
    this.#load(serviceId);
    for (const { id } of services.find(serviceId)?.report?.containers ?? []) this.#remembered.delete(id);
    if (project !== undefined) this.touch(project);
  }

  /** The container with our verdict where we have one to give. */
  show(container: Container): Container {
    const check = this.#checkOf(container);
    if (!check) return container;
    const { health, output, failures, checkedAt } = this.#standingOf(container, check);
    const verdict = { hasHealthCheck: true, health: isUp(container) ? health : ('unknown' as const) };
    return { ...container, ...verdict, probeOutput: output, failingStreak: failures, probedAt: checkedAt };
  }

  /** Looks who runs, soon; calls until then are the same look. */
  touch(project: string): void {
    if (this.#due.has(project) || this.#isStopped) return;
    this.#due.add(project);
    const look = async (): Promise<void> => {
      this.#due.delete(project);
      if (!this.#isStopped) this.#attend(project, await this.#deps.engine.listProject(project));
    };
    this.#serial.run(project, look).catch((error: unknown) => {
      // Docker is away: its return brings a resync, and with it the next look.
      this.#deps.log.debug({ err: error, project }, 'could not look whom to probe');
    });
  }

  touchAll(): void {
    for (const { project } of this.#services.values()) this.touch(project);
  }

  isProbed(project: string): boolean {
    return [...this.#services.values()].some((service) => service.project === project);
  }

  /** Resolves when nothing is asked any more, or has taken too long to end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const attendants = [...this.#attendants.values()];
    for (const attendant of attendants) attendant.stop();
    const { promise: limit, resolve } = Promise.withResolvers<void>();
    const cancelLimit = this.#deps.clock.after(STOP_LIMIT_MS, resolve);
    await Promise.race([Promise.all([this.#serial.idle(), ...attendants.map(({ done }) => done)]), limit]);
    cancelLimit();
  }

  #load(serviceId: string): void {
    const { services, policy } = this.#deps;
    const checks = services.healthChecksOf(serviceId);
    const record = services.find(serviceId);
    if (!record || checks.length === 0) return;
    const { spec } = record;
    this.#services.set(serviceId, { project: spec.name, checks, mayExec: policy[sectionOf(spec)].exec });
  }

  #remember(serviceId: string): void {
    for (const { id, health, startedAt } of this.#deps.services.find(serviceId)?.report?.containers ?? []) {
      if (health !== 'unknown') this.#remembered.set(id, { startedAt, standing: newStanding(health) });
    }
  }

  #attend(project: string, containers: readonly Container[]): void {
    for (const [id, probed] of this.#services) {
      if (probed.project === project && !this.#deps.services.find(id)) this.#services.delete(id); // it was removed
    }
    const patients = containers.filter(isUp).flatMap((container): Patient[] => {
      const check = this.#checkOf(container);
      return check ? [{ container, check, address: addressOf(container, containers) }] : [];
    });
    const ids = new Set(patients.map(({ container }) => container.id));
    for (const [id, attendant] of this.#attendants) {
      if (attendant.project === project && !ids.has(id)) this.#leave(id);
    }
    for (const patient of patients) this.#see(patient);
  }

  #see(patient: Patient): void {
    const { container, check } = patient;
    const attendant = this.#attendants.get(container.id);
    if (attendant?.attends(patient)) return attendant.heed(patient);
    const before = this.#standingOf(container, check);
    this.#leave(container.id);
    this.#remembered.delete(container.id);
    const { engine, clock, random, services } = this.#deps;
    const serviceId = container.labels[SERVICE_LABEL] ?? '';
    const mayExec = this.#services.get(serviceId)?.mayExec ?? false;
    const findMask = followMask(services, serviceId);
    const mask = (output: string) => findMask()?.cutText(output) ?? output;
    const onChange = (changed: Container) => this.#announce(changed);
    const deps = { engine, clock, random, mayExec, mask, slots: this.#slots, onChange };
    this.#attendants.set(container.id, new Attendant(patient, before, deps));
  }

  #leave(id: string): void {
    this.#attendants.get(id)?.stop();
    this.#attendants.delete(id);
  }

  #checkOf({ labels, service }: Container): HealthCheck | undefined {
    const probed = this.#services.get(labels[SERVICE_LABEL] ?? '');
    return probed?.checks.find((check) => check.service === service);
  }

  #standingOf(container: Container, check: HealthCheck): Standing {
    const attendant = this.#attendants.get(container.id);
    if (attendant?.attends({ container, check })) return attendant.standing;
    const remembered = this.#remembered.get(container.id);
    return remembered?.startedAt === container.startedAt ? remembered.standing : newStanding();
  }

  #announce({ id, project, service }: Container): void {
    const at = this.#deps.clock.now();
    this.#deps.hub.announce({ action: 'health_status', containerId: id, project, service, at, exitCode: null });
  }
}

/** Its own, or that of the container whose network it lives in. */
function addressOf({ address, hasOwnNetwork, joins }: Container, containers: readonly Container[]): string | null {
  const [host] = hasOwnNetwork ? [] : joins;
  return address ?? containers.find(({ id }) => id === host)?.address ?? null;
}

/** Probes until the scope stops. */
export function startProbes(deps: ProbesDeps, scope: Scope): Probes {
  const probes = new Probes(deps);
  const unsubscribe = deps.hub.subscribe('*', (signal) => {
    if (signal.kind === 'resync') probes.touchAll();
    else if (signal.event.action !== 'health_status' && probes.isProbed(signal.event.project)) {
      probes.touch(signal.event.project);
    }
  });
  let cancelSweep: (() => void) | undefined;
  const sweep = () => {
    probes.touchAll();
    cancelSweep = deps.clock.after(SWEEP_MS, sweep);
  };
  sweep();
  scope.onStop('health probes', async () => {
    cancelSweep?.();
    unsubscribe();
    await probes.stop();
  });
  return probes;
}
