// Calls to whoever serves a zone, each with our deadline.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { DnsProvider, DnsSettings, OpenDnsProvider, ZoneAccess } from './provider.ts';

/** For everything that one name takes: an RFC 2136 server answers in milliseconds, Cloudflare within a second or two. */
const LIMIT_MS = 15_000;

type Work = (provider: DnsProvider, signal: AbortSignal) => Promise<void>;
type NewZone = Pick<ZoneAccess, 'zone' | 'settings' | 'secret' | 'ttlS'>;

export interface ZoneCallsDeps {
  stores: Pick<Stores, 'dns'>;
  openProvider: OpenDnsProvider;
  /** See ZoneAccess. */
  owner: string;
  clock: Clock;
}

export class ZoneCalls {
  readonly #deps: ZoneCallsDeps;

  constructor(deps: ZoneCallsDeps) {
    this.#deps = deps;
  }

  /** Throws what the provider does, `timed_out`, or the reason of `stop`. */
  async call(zoneId: string, work: Work, stop: AbortSignal): Promise<void> {
    const { dns } = this.#deps.stores;
    const zone = dns.findZone(zoneId);
    if (!zone) throw new LongshoreError('not_found', { message: 'The DNS zone was deleted' });
    const settings = zone.settings as DnsSettings;
    await this.#within({ zone: zone.name, settings, secret: dns.secretOf(zoneId), ttlS: zone.ttlS }, work, stop);
  }

  /** Whether a zone that is not yet kept can be written. Throws what the provider does, and `timed_out`. */
  async check(zone: NewZone): Promise<void> {
    await this.#within(zone, (provider, signal) => provider.check(signal), new AbortController().signal);
  }

  async #within(zone: NewZone, work: Work, stop: AbortSignal): Promise<void> {
    const { clock, owner, openProvider } = this.#deps;
    const limit = new AbortController();
    const cancel = clock.after(LIMIT_MS, () => limit.abort(tooLong()));
    try {
      await work(openProvider({ ...zone, owner }), AbortSignal.any([limit.signal, stop]));
    } finally {
      cancel();
    }
  }
}

const tooLong = (): LongshoreError =>
  new LongshoreError('timed_out', { message: `The DNS provider gave no answer within ${LIMIT_MS / 1000} s` });
