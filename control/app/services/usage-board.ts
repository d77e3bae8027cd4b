// What hosts and services use, by the hosts' last word. In memory: hosts say everything anew when they connect, so after a
// restart of control nothing is known for a moment, and nothing old is shown.
import type { ServiceSample } from '#shared/model.ts';
import type { HostSample } from '#shared/stats.ts';
import type { Clock } from '#shared/time.ts';
import type { Stores } from '../../store/stores.ts';
import type { Bus } from '../api/live.ts';

export class UsageBoard {
  readonly #stores: Pick<Stores, 'services'>;
  readonly #clock: Clock;
  readonly #latest = new Map<string, { hostId: string; sample: ServiceSample }>();
  readonly #hosts = new Map<string, HostSample>();

  constructor({ stores, bus, clock }: { stores: Pick<Stores, 'services'>; bus: Bus; clock: Clock }) {
    this.#stores = stores;
    this.#clock = clock;
    bus.subscribe((event) => {
      if (event.type === 'deploy.progress' && event.step === 'job') this.#forgetRemoved(event.serviceId);
    });
  }

  /** A host speaks for its own services only; the rest is passed over. */
  put(hostId: string, samples: readonly ServiceSample[]): void {
    for (const sample of samples) {
      if (!this.#isOn(hostId, sample.serviceId)) continue;
      this.#latest.set(sample.serviceId, { hostId, sample: { ...sample, at: this.#notAhead(sample.at) } });
    }
  }

  putHost(hostId: string, sample: HostSample): void {
    this.#hosts.set(hostId, { ...sample, at: this.#notAhead(sample.at) });
  }

  findHost(hostId: string): HostSample | null {
    return this.#hosts.get(hostId) ?? null;
  }

  find(serviceId: string): ServiceSample | null {
    return this.#latest.get(serviceId)?.sample ?? null;
  }

  get size(): number {
    return this.#latest.size;
  }

  /** A host's clock may run ahead. */
  #notAhead(at: number): number {
    return Math.min(at, this.#clock.now());
  }

  /** A service stays on its host for life, so what was looked up once need not be looked up with each sample. */
  #isOn(hostId: string, serviceId: string): boolean {
    const known = this.#latest.get(serviceId)?.hostId ?? this.#stores.services.find(serviceId)?.hostId;
    return known === hostId;
  }

  #forgetRemoved(serviceId: string): void {
    if (this.#latest.has(serviceId) && !this.#stores.services.find(serviceId)) this.#latest.delete(serviceId);
  }
}
