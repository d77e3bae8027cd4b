// From what `docker compose config` prints to a file that means the same when Compose reads it again. It writes some
// things that it would not read, or read otherwise; each of them is put right here. Pure.
import { isMap, unescaped, type ComposeMap } from '#shared/compose/values.ts';
import { parseRendered, type Rendered, type RenderedService } from './rendered.ts';

/** `json`: the answer of `config --format json`. */
export function fromConfig(json: string): Rendered {
  const rendered = withPlainKeys(parseRendered(json)) as Rendered;
  const services = Object.entries(rendered.services).map(([name, service]): [string, RenderedService] => {
    return [name, withReadableLimits(withPresentNeeds(service, rendered))];
  });
  return { ...rendered, services: Object.fromEntries(services) };
}

/** `config` doubles each dollar, also those of keys; what reads the file again takes only those of values back. */
function withPlainKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPlainKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [unescaped(key), withPlainKeys(one)]));
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

/** Zero is written as nothing, no limit of swap as text, and limits of devices with capitals. */
function withReadableLimits(service: RenderedService): RenderedService {
  const { build, ulimits, blkio_config: devices, memswap_limit: swap } = service;
  return {
    ...service,
    ...(isMap(build) &&
      isMap(build['ulimits']) && { build: { ...build, ulimits: mapValues(build['ulimits'], toPair) } }),
    ...(isMap(ulimits) && { ulimits: mapValues(ulimits, toPair) }),
    ...(isMap(devices) && { blkio_config: mapValues(devices, toSmallKeys) }),
    ...(swap === '-1' && { memswap_limit: -1 }),
  };
}

const mapValues = (map: ComposeMap, change: (value: unknown) => unknown): ComposeMap =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));

const toPair = (limit: unknown): unknown => (isMap(limit) ? { soft: 0, hard: 0, ...limit } : limit);

function toSmallKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSmallKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]));
}
