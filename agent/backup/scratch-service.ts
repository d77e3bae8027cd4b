// A service as a drill brings it up: what it is made of, and no way for it to touch the one it is a copy of, or the world.
// Pure.
import { isMap, listOf } from '#shared/compose/values.ts';
import { unstampRendered, type Rendered, type RenderedService } from '../deploy/rendered.ts';

/** Under another name, with volumes of its own, no published ports, and a network that leads nowhere. */
export function toScratch(rendered: Rendered, name: string): Rendered {
  const own = unstampRendered(rendered);
  const services = Object.entries(own.services).map(([key, service]) => [key, isolate(service)] as const);
  return {
    ...own,
    name,
    services: Object.fromEntries(services),
    networks: { default: { name: `${name}_default`, internal: true } },
    volumes: Object.fromEntries(keysOf(own['volumes']).map((key) => [key, { name: `${name}_${key}` }])),
  };
}

function isolate(service: RenderedService): RenderedService {
  const { ports: _p, container_name: _c, networks: _n, build: _b, network_mode: mode, volumes, ...rest } = service;
  const joins = mode?.startsWith('service:') === true ? { network_mode: mode } : { networks: { default: null } };
  return { ...rest, ...joins, restart: 'no', pull_policy: 'never', volumes: listOf(volumes).map(guard) };
}

/** Folders of the host are the real service's: they are looked at. */
const guard = (mount: unknown): unknown =>
  isMap(mount) && mount['type'] === 'bind' ? { ...mount, read_only: true } : mount;

const keysOf = (map: unknown): string[] => Object.keys(isMap(map) ? map : {});
