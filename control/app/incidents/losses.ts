// Since when hosts are gone, by the time that passes: the clock that says when each was last seen may be set meanwhile.
import type { Clock } from '#shared/time.ts';
import type { HostRecord } from '../../store/records.ts';
import type { Loss } from './mass-disconnect.ts';

type Gone = Pick<HostRecord, 'id' | 'lastSeenAt'>;

interface Dated {
  lastSeenAt: number | null;
  /** By `clock.elapsed()`. */
  since: number;
}

export class Losses {
  readonly #clock: Clock;
  #dated = new Map<string, Dated>();
  #lookedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAt = clock.elapsed();
  }

  /** All that are gone now. Whoever was not seen since our start is missed since then. */
  date(gone: readonly Gone[]): Loss[] {
    const elapsed = this.#clock.elapsed();
    const dated = gone.map((host) => [host.id, this.#find(host) ?? this.#date(host, elapsed)] as const);
    this.#dated = new Map(dated);
    this.#lookedAt = elapsed;
    const offset = this.#clock.now() - elapsed;
    return dated.map(([hostId, { since }]) => ({ hostId, at: since + offset }));
  }

  /** Of the same loss: whoever was back in between was seen later. */
  #find({ id, lastSeenAt }: Gone): Dated | undefined {
    const known = this.#dated.get(id);
    return known?.lastSeenAt === lastSeenAt ? known : undefined;
  }

  /** A clock that says something else than "since we last looked" was set, or it was before our start. */
  #date({ lastSeenAt }: Gone, elapsed: number): Dated {
    const longest = elapsed - this.#lookedAt;
    const ago = this.#clock.now() - (lastSeenAt ?? 0);
    return { lastSeenAt, since: elapsed - (ago >= 0 && ago < longest ? ago : longest) };
  }
}
