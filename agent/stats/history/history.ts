// What this host remembers of its usage: an hour by tens of seconds, seven days by minutes. Owns DATA/stats.ring. Answers
// are made from the file, so they are the same after a restart.
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import { HOST_FIGURES, USAGE_FIGURES, type HostUsage, type StatsPoint, type Usage } from '#shared/stats.ts';
import {
  chooseStretch,
  foldSlots,
  hostLook,
  pointsOf,
  serviceLook,
  UNUSED,
  type Look,
  type Stretch,
  type StretchAsked,
} from './downsample.ts';
import { MAX_CAPACITY, RINGS, slotAt } from './layout.ts';
import { RingFile } from './ring-file.ts';
import { keyOf, type ContainerRecord, type Slot } from './slot.ts';

export interface Measured {
  host: HostUsage;
  /** Each running container of a service. */
  containers: readonly { serviceId: string; name: string; usage: Usage }[];
  /** Services of which none runs: they use nothing, which is not the same as not knowing. */
  idle: readonly string[];
  at: number;
}

export interface Answer<Name extends string> {
  since: number;
  until: number;
  stepMs: number;
  points: StatsPoint<Name>[];
}

export interface HistoryDeps {
  /** Of the file. */
  path: string;
  clock: Clock;
  log: Logger;
}

export class History {
  readonly #deps: HistoryDeps;
  /** Undefined while it cannot be opened or made: each round tries again. */
  #file: RingFile | undefined;
  /** Said once until it is over: a full disk is full every ten seconds. */
  #isFailing = false;
  #isFull = false;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
  }

  /** Never throws: what cannot be kept is not worth stopping for. */
  add(measured: Measured): void {
    const { path, log } = this.#deps;
    const slot = toSlot(measured);
    this.#noteFull(slot.containers.length);
    try {
      const file = (this.#file ??= RingFile.open(path));
      file.write('fine', slot);
      file.write('coarse', minuteOf(slot, file));
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'cannot keep the history of usage');
      this.#isFailing = true;
    }
  }

  async host(asked: StretchAsked): Promise<Answer<keyof HostUsage>> {
    return this.#answer(asked, HOST_FIGURES, undefined, hostLook);
  }

  /** `container`: its name; absent: all of them together. */
  async service(serviceId: string, container: string | undefined, asked: StretchAsked): Promise<Answer<keyof Usage>> {
    const service = keyOf(serviceId);
    const meant = container === undefined ? undefined : keyOf(container);
    return this.#answer(asked, USAGE_FIGURES, service, (slot) => serviceLook(slot, service, meant));
  }

  close(): void {
    this.#file?.close();
  }

  async #answer<Name extends string>(
    asked: StretchAsked,
    names: readonly Name[],
    service: number | undefined,
    lookAt: (slot: Slot) => Look<Name> | undefined,
  ): Promise<Answer<Name>> {
    const stretch: Stretch = chooseStretch(asked, this.#deps.clock.now());
    const { ring, since, until, stepMs } = stretch;
    const looks: Look<Name>[] = [];
    const file = (this.#file ??= RingFile.open(this.#deps.path));
    for await (const slot of file.range(ring, since, until, service)) {
      const look = lookAt(slot);
      if (look) looks.push(look);
    }
    return { since, until, stepMs, points: pointsOf(names, looks, stretch) };
  }

  #noteFull(records: number): void {
    const isFull = records > MAX_CAPACITY;
    const left = records - MAX_CAPACITY;
    if (isFull && !this.#isFull)
      this.#deps.log.warn({ left }, 'more containers than the history of usage has room for');
    this.#isFull = isFull;
  }
}

/** The minute so far, made anew each time from what the file has: nothing to lose at a restart. */
function minuteOf(newest: Slot, file: RingFile): Slot {
  const { fine, coarse } = RINGS;
  const start = Math.floor(newest.at / coarse.stepMs) * coarse.stepMs;
  const slots = [newest];
  for (let at = start; at < newest.at; at += fine.stepMs) {
    const slot = file.find('fine', at);
    if (slot) slots.push(slot);
  }
  return foldSlots(slots, start);
}

function toSlot({ host, containers, idle, at }: Measured): Slot {
  const running = containers.map(({ serviceId, name, usage }): ContainerRecord => {
    return { service: keyOf(serviceId), container: keyOf(name), usage };
  });
  const stopped = idle.map((serviceId) => ({ service: keyOf(serviceId), container: 0, usage: UNUSED }));
  return { at: slotAt(at, RINGS.fine), sampledAt: at, host, containers: [...running, ...stopped] };
}
