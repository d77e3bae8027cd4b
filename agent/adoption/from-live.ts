// Writes a compose file from containers as they are: what it says makes the same containers, on the same networks and
// with the same volumes. Pure. What a file says beyond its containers (builds, comments, variables) cannot be read off
// them; secrets are taken out into variables.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AdoptionDraft } from '#shared/adoption.ts';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import { CONFIG_HASH_LABEL } from '../docker/container-view.ts';
import type { Named } from '../docker/engine.ts';
import type { LiveContainer } from '../docker/live-container.ts';
import { escaped, hideSecrets } from './secrets-out.ts';

export interface LiveFacts {
  containers: readonly LiveContainer[];
  /** The service's name. */
  as: string;
  /** Of the Compose project of that name; none where the containers are of another, or of none. */
  networks: readonly Named[];
  volumes: readonly Named[];
}

export interface LiveDraft extends Omit<AdoptionDraft, 'compose'> {
  /** The file as plain data. */
  root: ComposeMap;
}

/** Throws `state_conflict` where the replicas of a service are not alike. */
export function fromLive(facts: LiveFacts): LiveDraft {
  const groups = Map.groupBy(facts.containers, (container) => serviceOf(container, facts));
  const services = [...groups].map(([name, list]): [string, ComposeMap] => [name, toService(name, list, facts)]);
  const used = services.map(([, service]) => service);
  const hidden = hideSecrets(Object.fromEntries(services.map(([name, service]) => [name, escaped(service)])));
  return {
    root: {
      services: hidden.services,
      ...declared('networks', used.flatMap(networksIn), facts.networks, 'network', plainNetwork),
      ...declared('volumes', used.flatMap(volumesIn), facts.volumes, 'volume', plainVolume),
    },
    variables: hidden.variables,
    containers: facts.containers.map((one) => ({ id: one.id, service: serviceOf(one, facts) })),
  };
}

const isNative = ({ project }: LiveContainer, { as }: LiveFacts): boolean => project === as;

const serviceOf = (container: LiveContainer, { as }: LiveFacts): string => container.service || as;

function toService(name: string, list: readonly LiveContainer[], facts: LiveFacts): ComposeMap {
  const [first, ...others] = list.toSorted((a, b) => a.number - b.number);
  if (!first) return {};
  const config = configOf(first, facts);
  const odd = others.find((other) => !isDeepStrictEqual(configOf(other, facts), config));
  if (odd) {
    const message = `Containers "${first.name}" and "${odd.name}" of service "${name}" are not set up alike`;
    throw new LongshoreError('state_conflict', { message, details: 'Bring them up anew with Compose first.' });
  }
  return { ...config, ...dependenciesOf(first, facts), ...(others.length > 0 && { scale: list.length }) };
}

/** With places for its networks and volumes as the file will call them. */
function configOf(container: LiveContainer, facts: LiveFacts): ComposeMap {
  const { networks, volumes, ...config } = container.config;
  const names = { networks: keysOf(facts.networks, 'network'), volumes: keysOf(facts.volumes, 'volume') };
  const mounts = isNative(container, facts) ? listOf(volumes).filter(isMap) : withAnonymous(container);
  const renamed = mounts.map((mount) =>
    mount['type'] === 'volume' && mount['source'] !== undefined
      ? { ...mount, source: names.volumes.get(textOf(mount['source'])) ?? mount['source'] }
      : mount,
  );
  const endpoints = Object.entries(networks ?? {}).map(([name, endpoint]): [string, ComposeMap] => {
    return [names.networks.get(name) ?? name, endpoint];
  });
  return {
    ...config,
    ...(endpoints.length > 0 && { networks: Object.fromEntries(endpoints) }),
    ...(renamed.length > 0 && { volumes: renamed }),
  };
}

/** Compose carries anonymous volumes over from the container before; from one it does not know it cannot. */
function withAnonymous({ config, anonymousVolumes }: LiveContainer): ComposeMap[] {
  const targets = Object.keys(anonymousVolumes);
  const others = listOf(config.volumes).filter(isMap);
  const named = others.filter(({ target }) => !targets.includes(textOf(target)));
  const taken = targets.map((target) => {
    const before = others.find((mount) => mount['target'] === target);
    return { type: 'volume', ...before, source: anonymousVolumes[target], target };
  });
  return [...named, ...taken];
}

/** `db:service_healthy:false,cache:service_started:false`: what Compose notes on a container. */
function dependenciesOf({ labels }: LiveContainer, { containers }: LiveFacts): ComposeMap {
  const noted = (labels['com.docker.compose.depends_on'] ?? '').split(',').map((entry) => entry.split(':'));
  const known = new Set(containers.map(({ service }) => service));
  const entries = noted.flatMap(([service = '', condition, restart]): [string, ComposeMap][] =>
    known.has(service) && condition ? [[service, { condition, ...(restart === 'true' && { restart: true }) }]] : [],
  );
  return entries.length > 0 ? { depends_on: Object.fromEntries(entries) } : {};
}

const networksIn = ({ networks }: ComposeMap): string[] => (isMap(networks) ? Object.keys(networks) : []);

const volumesIn = ({ volumes }: ComposeMap): string[] =>
  listOf(volumes).flatMap((mount) =>
    isMap(mount) && mount['type'] === 'volume' && mount['source'] !== undefined ? [textOf(mount['source'])] : [],
  );

type Resource = 'network' | 'volume';

/** Docker's name → the key that the project's file gave it. */
const keysOf = (resources: readonly Named[], kind: Resource): ReadonlyMap<string, string> =>
  new Map(
    resources.flatMap(({ name, labels }) => {
      const key = labels[`com.docker.compose.${kind}`];
      return key === undefined ? [] : [[name, key] as const];
    }),
  );

/** What is declared as the project's own may be made anew by Compose when it is not as declared: only what is sure. */
function declared(
  section: string,
  used: readonly string[],
  own: readonly Named[],
  kind: Resource,
  plain: (name: string) => string,
): ComposeMap {
  const byKey = new Map([...keysOf(own, kind)].map(([name, key]) => [key, own.find((one) => one.name === name)]));
  const entries = [...new Set(used)].toSorted().map((key): [string, ComposeMap] => {
    const resource = byKey.get(key);
    if (!resource) return [key, { name: key, external: true }];
    const hash = resource.labels[CONFIG_HASH_LABEL];
    const isPlain = hash === undefined || hash === sha256(plain(resource.name));
    return [key, { name: resource.name, ...(!isPlain && { external: true }) }];
  });
  return entries.length > 0 ? { [section]: Object.fromEntries(entries) } : {};
}

/** What Compose 2.30 and newer hash of one that the file says nothing about. */
const plainNetwork = (name: string): string => JSON.stringify({ name, ipam: {} });
const plainVolume = (name: string): string => JSON.stringify({ name, driver: 'local' });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
