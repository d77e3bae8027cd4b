// Which services are replaced start-first, new containers healthy before old ones go, and why the others are not. Pure:
// facts in, an order and its reason in words out. Carried out by replace.ts.
import { isMap, listOf, textOf } from '#shared/compose/values.ts';
import type { PlanStep, Replacement } from '#shared/model.ts';
import type { FoundImages } from '../images.ts';
import type { Container } from '../../docker/engine.ts';
import { planDeploy, redefinedNetworks, type PlanFacts } from '../plan/plan.ts';
import { durationMs, namespacesOf, type RenderedService } from '../rendered.ts';
import type { Revision } from '../revisions/revisions.ts';
import { isOf } from '../revisions/origin.ts';

export interface OrderFacts extends PlanFacts {
  /** By desired service; one that is not on the host yet is not known. */
  images: FoundImages;
  /** What runs, as far as it is known to work. */
  good: Revision | undefined;
}

/** The plan, with the order in which each service is replaced. */
export const planReplacing = (facts: OrderFacts): PlanStep[] =>
  planDeploy(facts).map((step) =>
    step.action === 'recreate' ? { ...step, replacement: orderOf(step.service, facts) } : step,
  );

/**
 * How long both run side by side once the new ones are healthy, where the file does not say (`update_config.monitor`):
 * proxies that follow Docker's events notice within a second, those that ask its DNS anew mostly within two.
 */
const DEFAULT_MONITOR_MS = 3_000;

/** The longest that services ask for, because they are replaced together. */
export function monitorMsOf(services: readonly RenderedService[]): number {
  const asked = services.map(({ deploy }) => deploy?.update_config?.monitor);
  return Math.max(0, ...asked.map((text) => (text === undefined ? DEFAULT_MONITOR_MS : durationMs(text))));
}

interface Subject {
  name: string;
  service: RenderedService;
  facts: OrderFacts;
  /** The file says `order: start-first`: somebody has thought about health and shared data. */
  isAsked: boolean;
}

function orderOf(name: string, facts: OrderFacts): Replacement {
  const service = facts.desired.services[name] ?? {};
  const order = service.deploy?.update_config?.order;
  const subject = { name, service, facts, isAsked: order === 'start-first' };
  if (order === 'stop-first') return { order: 'stop_first', reason: 'the file says so (update_config.order)' };
  for (const findObstacle of OBSTACLES) {
    const obstacle = findObstacle(subject);
    if (obstacle !== undefined) return { order: 'stop_first', reason: obstacle };
  }
  const reason = subject.isAsked ? 'the file says so (update_config.order)' : 'it has a health check and can overlap';
  return { order: 'start_first', reason };
}

/** What keeps two generations from running side by side; the first that is found is told. */
const OBSTACLES: ((subject: Subject) => string | undefined)[] = [
  hostPort,
  fixedName,
  ownNamespace,
  namespaceOfOthers,
  fixedAddress,
  newNetwork,
  restartedWithIt,
  volumesFrom,
  anonymousVolume,
  sharedData,
  noHealthCheck,
  adopted,
  notRunning,
];

function hostPort({ service: { ports } }: Subject): string | undefined {
  const published = listOf(ports)
    .filter(isMap)
    .map((port) => textOf(port['published']))
    .find(Boolean);
  return published && `it has port ${published} of the host`;
}

function fixedName({ service: { container_name: name } }: Subject): string | undefined {
  return name && `its container has a fixed name, ${name}`;
}

const isShared = (mode: string) => mode === 'host' || /^(service|container):/.test(mode);

function ownNamespace({ service }: Subject): string | undefined {
  const shared = namespacesOf(service).find(isShared);
  return shared === undefined ? undefined : `it shares a namespace (${shared})`;
}

function namespaceOfOthers({ name, facts: { desired } }: Subject): string | undefined {
  const services = Object.entries(desired.services);
  const guest = services.find(([, service]) => namespacesOf(service).includes(`service:${name}`));
  return guest && `${guest[0]} shares a namespace with it`;
}

const ADDRESSES = ['ipv4_address', 'ipv6_address', 'link_local_ips', 'mac_address'];

function fixedAddress({ service }: Subject): string | undefined {
  if (service['mac_address'] !== undefined) return 'it has a fixed MAC address';
  const networks = Object.entries(service.networks ?? {});
  const fixed = networks.find(([, own]) => isMap(own) && ADDRESSES.some((key) => own[key] !== undefined));
  return fixed && `it has a fixed address on network ${fixed[0]}`;
}

function newNetwork({ service, facts: { made, desired } }: Subject): string | undefined {
  const [network] = made ? redefinedNetworks(service, made, desired) : [];
  return network === undefined ? undefined : `network ${network} is made anew`;
}

/** `depends_on: {…: {restart: true}}`: Compose restarts those when it recreates this one. */
function restartedWithIt({ name, facts: { desired } }: Subject): string | undefined {
  const dependent = Object.entries(desired.services).find(([, { depends_on: needs }]) => needs?.[name]?.restart);
  return dependent && `${dependent[0]} is restarted with it (depends_on)`;
}

function volumesFrom({ service }: Subject): string | undefined {
  return listOf(service['volumes_from']).length > 0 ? 'it has the volumes of another (volumes_from)' : undefined;
}

/** Compose hands an anonymous volume on to the one container that takes the place of another. */
function anonymousVolume({ name, service, facts: { images } }: Subject): string | undefined {
  const mounts = listOf(service.volumes).filter(isMap);
  const anonymous = mounts.find((mount) => mount['type'] === 'volume' && textOf(mount['source']) === '');
  const covered = [...mounts.map((mount) => textOf(mount['target'])), ...listOf(service['tmpfs']).map(withoutOptions)];
  const ofImage = images[name]?.volumes.find((path) => !covered.includes(path));
  const path = anonymous ? textOf(anonymous['target']) : ofImage;
  return path === undefined ? undefined : `it keeps data in an anonymous volume, ${path}`;
}

const withoutOptions = (tmpfs: unknown): string => textOf(tmpfs).split(':')[0] ?? '';

const HOLDS_DATA = new Set(['volume', 'bind', 'cluster']);

function sharedData({ service: { volumes }, isAsked }: Subject): string | undefined {
  const mounts = listOf(volumes).filter(isMap);
  const written = mounts.find((mount) => HOLDS_DATA.has(textOf(mount['type'])) && mount['read_only'] !== true);
  return written && !isAsked ? `two would write to ${textOf(written['target'])}` : undefined;
}

function noHealthCheck({ name, service: { healthcheck }, facts: { images }, isAsked }: Subject): string | undefined {
  if (isAsked) return undefined;
  const { test, disable } = healthcheck ?? {};
  if (disable === true || listOf(test)[0] === 'NONE') return 'its health check is switched off';
  if (test !== undefined || images[name]?.hasHealthCheck) return undefined;
  return images[name]
    ? 'it has no health check, so nobody knows when it is ready'
    : 'it has no health check in the file, and its image is not here yet';
}

function adopted({ name, facts: { containers } }: Subject): string | undefined {
  const isAdopted = containers.some((one) => one.service === name && one.isAdopted);
  return isAdopted ? 'it was adopted, and Compose makes it its own now' : undefined;
}

function notRunning({ name, facts }: Subject): string | undefined {
  return runningOf(name, facts) ? undefined : 'not all of what ran as the last good revision still runs';
}

/** A service's containers of the good revision; undefined unless there are any and all of them run. */
export function runningOf(
  name: string,
  { containers, good }: Pick<OrderFacts, 'containers' | 'good'>,
): Container[] | undefined {
  const old = containers.filter((one) => one.service === name && good && isOf(one, good.meta));
  return old.length > 0 && old.every(({ state }) => state === 'running') ? old : undefined;
}
