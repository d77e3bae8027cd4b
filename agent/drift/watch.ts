// Notices drift by itself and tells it once: when a service's containers or files stop being what its good revision
// says, and when they are that again.
//
// Docker's events are hints to look. They may be lost, so a sweep compares what costs next to nothing (the plain list,
// the times of files) with what the last look saw, and looks closely only where that differs. Nothing is told while a
// job is at work: it changes containers on purpose.
import { stat } from 'node:fs/promises';
import { LongshoreError } from '#shared/errors.ts';
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { JobKind } from '#shared/jobs.ts';
import type { Clock } from '#shared/time.ts';
import { Workspace } from '../deploy/workspace.ts';
import type { Engine, EngineEvent } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceRecord } from '../state/services.ts';
import { findDrift, type Drift } from './drift.ts';
import { driftMessage } from './message.ts';

/** `docker compose up` by hand makes its events within this; nobody waits for the answer. */
const SETTLE_MS = 2_000;
const SWEEP_MS = 10 * 60_000;

/** What can change how a container is set up, or whether it is there at all. */
const MATTERS = new Set(['create', 'destroy', 'rename', 'update', 'connect', 'disconnect']);

export interface DriftWatchDeps {
  dataDir: string;
  state: Pick<AgentState, 'services' | 'outbox' | 'transact'>;
  engine: Pick<Engine, 'describeProject' | 'listAll'>;
  hub: Pick<EventHub, 'subscribe'>;
  clock: Clock;
  log: Logger;
  /** Service id → kind of the job that works on it now. */
  underWay: ReadonlyMap<string, JobKind>;
  /** Called when a service's state of drift is another one: its report tells it too. */
  onChange: (serviceId: string) => void;
}

/** What a look saw, as far as it can be compared cheaply. */
interface Trace {
  containers: string;
  files: string;
}

export class DriftWatch {
  readonly #deps: DriftWatchDeps;
  readonly #timers = new Map<string, () => void>();
  readonly #traces = new Map<string, Trace>();
  /** Container → service, to know whose container an event about a network is about. */
  readonly #owners = new Map<string, string>();

  constructor(deps: DriftWatchDeps) {
    this.#deps = deps;
  }

  /** Straight from Docker and the folder. Throws `not_found`, `docker_unavailable`. */
  async check(serviceId: string): Promise<Drift & { checkedAt: number }> {
    const { state, clock } = this.#deps;
    const record = state.services.find(serviceId);
    if (!record) {
      this.#traces.delete(serviceId);
      throw new LongshoreError('not_found', { message: `This host does not know service "${serviceId}"` });
    }
    const checkedAt = clock.now();
    if (this.#isBusy(serviceId)) return { ...nothingKnown(record), checkedAt };
    const files = await this.#traceFiles(record);
    const { live, good: _, ...drift } = await findDrift(this.#deps, record);
    const now = state.services.find(serviceId);
    // A job that began or ended meanwhile has moved what was compared.
    if (!now || this.#isBusy(serviceId) || now.goodRevision !== record.goodRevision) {
      return { ...nothingKnown(record), checkedAt };
    }
    for (const { id } of live) this.#owners.set(id, serviceId);
    this.#traces.set(serviceId, { containers: traceOf(live), files });
    this.#note(now, drift);
    return { ...drift, checkedAt };
  }

  /** Looks soon; calls until then are the same look. */
  touch(serviceId: string): void {
    if (this.#timers.has(serviceId)) return;
    const look = () => {
      this.#timers.delete(serviceId);
      if (this.#isBusy(serviceId)) return this.touch(serviceId); // once the job is done
      this.check(serviceId).catch((error: unknown) => {
        this.#deps.log.debug({ err: error, serviceId }, 'could not look for drift'); // the next sweep looks again
      });
    };
    this.#timers.set(serviceId, this.#deps.clock.after(SETTLE_MS, look));
  }

  touchAll(): void {
    for (const id of this.#deps.state.services.ids()) this.touch(id);
  }

  hear({ action, project, containerId }: EngineEvent): void {
    if (!MATTERS.has(action)) return;
    const owner = this.#owners.get(containerId);
    if (action === 'destroy') this.#owners.delete(containerId);
    const ids = project === '' ? [] : this.#deps.state.services.idsWithName(project);
    for (const id of new Set([...ids, ...(owner === undefined ? [] : [owner])])) this.touch(id);
  }

  /** One plain list and a few file times for all services. */
  async sweep(): Promise<void> {
    const { state, engine } = this.#deps;
    const byProject = Map.groupBy(await engine.listAll(), ({ project }) => project);
    for (const id of state.services.ids()) {
      const [record, seen] = [state.services.find(id), this.#traces.get(id)];
      if (!record) continue;
      const containers = traceOf(byProject.get(record.spec.name) ?? []);
      if (seen?.containers !== containers || seen.files !== (await this.#traceFiles(record))) this.touch(id);
    }
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #isBusy(serviceId: string): boolean {
    return this.#deps.underWay.has(serviceId);
  }

  /** Times and sizes of the files that a revision is made of. */
  async #traceFiles({ spec: { name, files } }: ServiceRecord): Promise<string> {
    const workspace = new Workspace(this.#deps.dataDir, name);
    const paths = ['compose.yaml', '.env', 'override.yaml', ...Object.keys(files)];
    const stats = await Promise.all(paths.map((path) => stat(workspace.path(path)).catch(() => undefined)));
    return stats.map((one) => (one ? `${one.mtimeMs} ${one.size}` : '-')).join();
  }

  /** What nobody can tell leaves the last word as it was. */
  #note({ spec, drift: before }: ServiceRecord, drift: Drift): void {
    const { state, clock, onChange } = this.#deps;
    const [now, at] = [drift.state, clock.now()];
    if (now === 'unknown' || now === before?.state) return;
    state.transact(() => {
      state.services.setDrift(spec.id, { state: now, at });
      if (now === 'in_sync' && !before) return; // as everybody expects of a first deploy
      const message = driftMessage(drift);
      const event = { serviceId: spec.id, type: 'drift', status: now, message, at };
      state.outbox.append({ kind: 'service.event', ...event });
    });
    onChange(spec.id);
  }
}

const nothingKnown = ({ goodRevision }: ServiceRecord): Drift => ({
  state: 'unknown',
  revision: goodRevision,
  services: [],
  files: [],
});

/** What the plain list shows of them. */
const traceOf = (containers: readonly { id: string; name: string }[]): string =>
  containers
    .map(({ id, name }) => `${id} ${name}`)
    .toSorted()
    .join();

/** Watches every service of the host until the scope stops. */
export function startDriftWatch(deps: DriftWatchDeps, scope: Scope): DriftWatch {
  const { clock, log } = deps;
  const watch = new DriftWatch(deps);
  const unsubscribe = deps.hub.subscribe('*', (signal) => {
    if (signal.kind === 'resync') watch.touchAll();
    else watch.hear(signal.event);
  });
  let cancelSweep: () => void;
  const sweepLater = () => {
    cancelSweep = clock.after(SWEEP_MS, () => {
      sweepLater();
      watch.sweep().catch((error: unknown) => log.debug({ err: error }, 'could not look for drift of all services'));
    });
  };
  sweepLater();
  watch.touchAll(); // the stream may be up already, and its resync gone by
  scope.onStop('drift watch', () => {
    cancelSweep();
    unsubscribe();
    watch.stop();
  });
  return watch;
}
