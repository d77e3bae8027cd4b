// From what `docker compose config` prints to a file that means the same when Compose reads it again. It writes some
// things that it would not read, or read otherwise; each of them is put right here. Pure.
import { isMap, type ComposeMap } from '#shared/compose/values.ts';
import { parseRendered, type Rendered, type RenderedService } from './rendered.ts';

/** `json`: the answer of `config --format json`. */
export function fromConfig(json: string): Rendered {
  const rendered = withPlainKeys(parseRendered(json)) as Rendered;
  const services = Object.entries(rendered.services).map(([name, service]): [string, RenderedService] => {
    return [name, withUlimits(withPresentNeeds(service, rendered))];
  });
  return { ...rendered, services: Object.fromEntries(services) };
}

/** `config` doubles each dollar, also those of keys; what reads the file again takes only those of values back. */
function withPlainKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPlainKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.replaceAll('$$', '$'), withPlainKeys(one)]));
}

/** A service that may be missing, and is behind a profile: `config` leaves it out, and goes on naming it. */
function withPresentNeeds(service: RenderedService, { services }: Rendered): RenderedService {
  const { depends_on: needs } = service;
  if (!needs) return service;
  const present = Object.entries(needs).filter(([name, { required }]) => {
    return required !== false || Object.hasOwn(services, name);
  });
  return { ...service, depends_on: Object.fromEntries(present) };
}

/** A limit of zero is written as nothing. */
function withUlimits(service: RenderedService): RenderedService {
  const { ulimits } = service;
  if (!isMap(ulimits)) return service;
  const limits = Object.entries(ulimits).map(([name, limit]) => {
    return [name, isMap(limit) ? { ...limit, soft: limit['soft'] ?? 0, hard: limit['hard'] ?? 0 } : limit];
  });
  return { ...service, ulimits: Object.fromEntries(limits) as ComposeMap };
}
