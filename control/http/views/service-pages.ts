// A page of services as text. Writing JSON is most of the work of a list that is asked for every few seconds, and few of
// its services change in between: the text of each is kept for as long as the app shows the same object.
import type { HostFacts } from '#shared/model.ts';
import type { Page } from '../../app/api/page.ts';
import type { Service } from '../../app/api/services.ts';
import { toServiceView, type FindFacts } from './service.ts';

export class ServicePages {
  /** `facts`: what the text says of the host, which differs by what a caller may see. */
  readonly #texts = new WeakMap<Service, { facts: HostFacts | null; text: string }>();

  toText({ items, total, page, perPage }: Page<Service>, findFacts: FindFacts): string {
    const data = items.map((service) => this.#textOf(service, findFacts)).join(',');
    return `{"data":[${data}],"total":${total},"page":${page},"per_page":${perPage}}`;
  }

  #textOf(service: Service, findFacts: FindFacts): string {
    const facts = findFacts(service.hostId);
    const known = this.#texts.get(service);
    if (known?.facts === facts) return known.text;
    const text = JSON.stringify(toServiceView(service, () => facts));
    this.#texts.set(service, { facts, text });
    return text;
  }
}
