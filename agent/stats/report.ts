// Tells control what services use: everything when the link comes up, then what is worth a message. A message that is
// lost is made good when the next one about the same service is due (news.ts).
import type { ServiceSample } from '#shared/model.ts';
import { isNews } from './news.ts';

/** In one message, each with up to 500 characters of a health check's output: below the megabyte of a frame. */
const SAMPLES_AT_ONCE = 400;

export type TellSamples = (samples: ServiceSample[]) => void;

export class UsageReport {
  readonly #tell: TellSamples;
  #latest: readonly ServiceSample[] = [];
  #told = new Map<string, ServiceSample>();

  constructor(tell: TellSamples) {
    this.#tell = tell;
  }

  /** What the last round saw. */
  add(samples: readonly ServiceSample[]): void {
    this.#latest = samples;
    const news = samples.filter((sample) => isNews(this.#told.get(sample.serviceId), sample));
    const said = new Map(news.map((sample) => [sample.serviceId, sample]));
    const told = samples.map(({ serviceId }) => [serviceId, said.get(serviceId) ?? this.#told.get(serviceId)] as const);
    this.#told = new Map(told.flatMap(([id, sample]) => (sample ? [[id, sample] as const] : []))); // removed ones go
    for (let from = 0; from < news.length; from += SAMPLES_AT_ONCE) {
      this.#tell(news.slice(from, from + SAMPLES_AT_ONCE));
    }
  }

  /** The far side may have forgotten everything. */
  tellAll(): void {
    this.#told.clear();
    this.add(this.#latest);
  }
}
