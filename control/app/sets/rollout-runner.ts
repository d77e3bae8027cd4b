// Carries rollouts on. No arguments, the same work each time, safe to run twice: it asks each open rollout for its next
// step and takes it. News of members and hosts nudge it, a timer finds what a nudge could have missed, and counts in the
// hosts that came since. All it knows by itself is whether it is at work.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toLongshoreError, type ErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { type JobState, isJobEnd } from '#shared/jobs.ts';
import type { HostPlace } from '../../store/hosts.ts';
import { isCurrent, type SetRecord } from '../../store/set-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Bus, LiveEvent } from '../api/live.ts';
import { isWanted } from './rollout-facts.ts';
import type { Rollouts } from './rollouts.ts';
import { MAX_HOSTS } from './set-hosts.ts';

/** Jobs in one commit: each seals and stores what its host needs, some 1 ms of the event loop. */
const STARTS_A_WRITE = 20;
/** What another look at the facts settles: it is not the member's fault. */
const PASSING: readonly ErrorCode[] = [
  'service_busy',
  'no_host',
  'host_cordoned',
  'host_drained',
  'customer_suspended',
];
/** Ours: the step is taken again later. */
const OURS: readonly ErrorCode[] = ['storage_full', 'unavailable', 'internal'];

export interface RunnerDeps {
  stores: Stores;
  rollouts: Rollouts;
  log: Logger;
}

export class RolloutRunner {
  readonly #deps: RunnerDeps;
  #work: Promise<void> | undefined;
  #isNudged = false;
  #isClosed = false;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Nudged by whatever may let a rollout go on. Returns what ends it. */
  watch(bus: Bus): () => void {
    return bus.subscribe((event) => {
      if (this.#concerns(event)) this.nudge();
    });
  }

  /** Cheap, safe to call at any time. */
  nudge(): void {
    if (this.#isClosed) return;
    this.#isNudged = true;
    const warn = (error: unknown) =>
      this.#deps.log.warn({ err: toLongshoreError(error) }, 'could not look for open rollouts');
    this.#work ??= this.#advanceAll()
      .catch(warn)
      .finally(() => {
        this.#work = undefined;
        if (this.#isNudged) this.nudge();
      });
  }

  /** Counts in the hosts that came, and goes on with every rollout. */
  async sweep(): Promise<void> {
    const { stores, log } = this.#deps;
    try {
      const sets = stores.sets.all();
      const places = sets.length > 0 ? stores.hosts.places() : [];
      for (const set of sets) {
        if (this.#isClosed) return;
        await this.#countIn(set, places);
        await nextTurn(); // a thousand hosts are half a millisecond, and there may be hundreds of sets
      }
    } catch (error) {
      log.warn({ err: toLongshoreError(error) }, 'could not look for hosts that sets want');
    }
    this.nudge();
    await this.idle();
  }

  /** Resolves when nothing is left to do now. */
  async idle(): Promise<void> {
    while (this.#work) await this.#work;
  }

  /** Nothing more is begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isNudged = false;
    await this.idle();
  }

  #concerns(event: LiveEvent): boolean {
    if (event.type === 'host.status') return true;
    if (event.type === 'deploy.progress' && event.step !== 'job') return false;
    if (event.type === 'backup.progress' && !isJobEnd(event.state satisfies JobState)) return false;
    const service = this.#deps.stores.services.find(event.serviceId);
    return service === undefined || service.setId !== null; // a member that was removed is not there any more
  }

  async #advanceAll(): Promise<void> {
    const { stores, log } = this.#deps;
    while (this.#isNudged) {
      this.#isNudged = false;
      for (const id of stores.rollouts.open()) {
        await this.#advance(id).catch((error: unknown) =>
          log.warn({ err: toLongshoreError(error), rollout: id }, 'could not go on with a rollout'),
        );
      }
    }
  }

  async #advance(id: string): Promise<void> {
    const { stores, rollouts } = this.#deps;
    for (;;) {
      const hostIds = await stores.writer.write((tx) => rollouts.step(tx, id));
      if (hostIds.length === 0 || this.#isClosed) return;
      const turns = [];
      for (let i = 0; i < hostIds.length; i += STARTS_A_WRITE) {
        const part = hostIds.slice(i, i + STARTS_A_WRITE);
        turns.push(...(await Promise.all(part.map((hostId) => this.#start(id, hostId)))));
      }
      if (turns.every((turn) => turn === 'passed')) return; // the same answer again; news will nudge
    }
  }

  async #start(id: string, hostId: string): Promise<'taken' | 'passed'> {
    const { stores, rollouts } = this.#deps;
    try {
      await stores.writer.write((tx) => rollouts.startOne(tx, id, hostId));
    } catch (cause) {
      const { code, message } = toLongshoreError(cause);
      if (OURS.includes(code)) throw cause;
      if (PASSING.includes(code)) return 'passed';
      await stores.writer.write(() => rollouts.fail(id, hostId, message));
    }
    return 'taken';
  }

  async #countIn(set: SetRecord, places: readonly HostPlace[]): Promise<void> {
    const { stores } = this.#deps;
    if (newcomersOf(stores, set, places).length === 0) return;
    await stores.writer.write((tx) => this.#join(tx, set.id, places));
  }

  #join(tx: WriteContext, setId: string, places: readonly HostPlace[]): void {
    const { stores, rollouts } = this.#deps;
    const set = stores.sets.find(setId);
    const latest = stores.rollouts.findLatest(setId);
    if (!set || latest?.kind === 'remove') return;
    const hostIds = newcomersOf(stores, set, places);
    if (hostIds.length === 0) return;
    if (latest && isCurrent(latest.state)) rollouts.addHosts(latest, hostIds);
    else rollouts.prepare(tx, set, { kind: 'join', pull: 'missing', madeBy: null, hostIds });
  }
}

function newcomersOf(stores: Stores, set: SetRecord, places: readonly HostPlace[]): string[] {
  const known = new Set(stores.sets.hosts(set.id));
  const come = places.filter((place) => isWanted(place, set) && place.cordonedAt === null && !known.has(place.id));
  return come.slice(0, Math.max(0, MAX_HOSTS - known.size)).map(({ id }) => id);
}
