// Keeps DNS as services want it. Level-triggered: each sweep compares all names with what was written, so whatever was
// missed is found. A failure is told once and tried again for ever; no deploy waits for it.
//
//   (none) ──wanted──▶ pending ──put──▶ present ──not wanted──▶ removing ──removed──▶ (none)
//                         ▲  └─fails: later┘ │                     │  └─fails: later┘
//                         └─── other addresses, or wanted again ───┘
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import type { DnsNameRecord } from '../../store/dns.ts';
import type { Stores } from '../../store/stores.ts';
import { Pace } from '../pace.ts';
import { planNames, type WantedName } from './plan.ts';
import { retryDelayMs } from './retry.ts';
import type { ZoneCalls } from './zone-calls.ts';

/** At a time; a provider that hangs holds these up until their deadline. */
const AT_ONCE = 8;

export interface DnsKeeperDeps {
  stores: Stores;
  calls: ZoneCalls;
  /** What services are to be called. */
  wantedNames: () => WantedName[];
  clock: Clock;
  log: Logger;
}

export class DnsKeeper {
  readonly #deps: DnsKeeperDeps;
  readonly #stop = new AbortController();
  readonly #pace: Pace;
  #sweep: Promise<void> | undefined;

  constructor(deps: DnsKeeperDeps) {
    this.#deps = deps;
    this.#pace = new Pace(deps.stores.writer, deps.clock);
  }

  /** Safe to call at any time; while one is under way the same one is meant. Never throws. */
  sweep(): Promise<void> {
    this.#sweep ??= this.#run().finally(() => (this.#sweep = undefined));
    return this.#sweep;
  }

  /** Calls under way are cut; what they were about is done after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#sweep;
  }

  async #run(): Promise<void> {
    try {
      await this.#plan();
      while (!this.#stop.signal.aborted && (await this.#workOff()) === AT_ONCE);
    } catch (error) {
      this.#deps.log.warn({ err: toLongshoreError(error) }, 'could not look after DNS');
    }
  }

  async #plan(): Promise<void> {
    const { dns, writer } = this.#deps.stores;
    let changes: DnsNameRecord[] = [];
    if (this.#pace.rests(() => (changes = this.#changes()).length === 0)) return;
    await writer.write(() => {
      for (const change of changes) dns.putName(change);
    });
  }

  #changes(): DnsNameRecord[] {
    const { dns } = this.#deps.stores;
    const zones = dns.zones();
    if (zones.length === 0) return [];
    const wanted = this.#deps.wantedNames();
    return planNames({ zones, wanted, had: dns.names(), now: this.#deps.clock.now() });
  }

  async #workOff(): Promise<number> {
    const due = this.#deps.stores.dns.due(this.#deps.clock.now(), AT_ONCE);
    await Promise.all(due.map((name) => this.#work(name)));
    return due.length;
  }

  async #work(name: DnsNameRecord): Promise<void> {
    const fault = await this.#attempt(name);
    if (this.#stop.signal.aborted) return;
    await this.#deps.stores.writer.write(() => this.#note(name, fault));
  }

  /** Returns what went wrong. */
  async #attempt({ hostname, zoneId, hostId, addresses, state }: DnsNameRecord): Promise<LongshoreError | null> {
    try {
      if (state === 'pending' && addresses.length === 0) throw this.#noAddress(hostId);
      await this.#deps.calls.call(
        zoneId,
        (provider, signal) =>
          state === 'removing' ? provider.remove(hostname, signal) : provider.put(hostname, addresses, signal),
        this.#stop.signal,
      );
      return null;
    } catch (error) {
      if (!(error instanceof LongshoreError)) this.#deps.log.warn({ err: error, hostname }, 'DNS failed');
      return toLongshoreError(error);
    }
  }

  /** Somebody may have changed the row meanwhile: then this outcome is about something else. */
  #note(name: DnsNameRecord, fault: LongshoreError | null): void {
    const { dns } = this.#deps.stores;
    const row = dns.findName(name.hostname);
    if (row?.state !== name.state || row.addresses.join() !== name.addresses.join()) return;
    const at = this.#deps.clock.now();
    if (fault) {
      const tries = row.tries + 1;
      dns.putName({ ...row, tries, error: fault.toWire(), dueAt: at + retryDelayMs(tries), updatedAt: at });
      if (tries === 1) this.#tell(row, 'failed', `${row.hostname}: ${fault.message}`, at);
    } else if (row.state === 'removing') {
      dns.removeName(row.hostname);
      this.#tell(row, 'removed', `${row.hostname} is gone from DNS`, at);
    } else {
      dns.putName({ ...row, state: 'present', tries: 0, error: null, dueAt: null, updatedAt: at });
      this.#tell(row, 'updated', `${row.hostname} leads to ${row.addresses.join(', ')}`, at);
    }
  }

  #tell({ serviceId, hostId }: DnsNameRecord, status: string, message: string, at: number): void {
    this.#deps.stores.events.insert({ serviceId, hostId, type: 'dns', status, message, at });
  }

  #noAddress(hostId: string): LongshoreError {
    const host = this.#deps.stores.hosts.find(hostId)?.name ?? hostId;
    return new LongshoreError('state_conflict', {
      message: `Host "${host}" has no public address`,
      details: 'Set the addresses that names of its services lead to',
    });
  }
}
