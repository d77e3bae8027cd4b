// Which services are replaced start-first, new containers healthy before old ones go, and why the others are not. Pure:
// facts in, an order and its reason in words out. Carried out by replace.ts.
import { isMap, listOf, textOf } from '#shared/compose/values.ts';
import type { PlanStep, Replacement } from '#shared/jobs.ts';
import type { FoundImages } from '../images.ts';
import type { Container } from '../../docker/engine.ts';
import type { HealthCheck } from '../../health/health-check.ts';
import { planDeploy, redefinedNetworks, type PlanFacts } from '../plan/plan.ts';
import { durationMs, levelsOf, namespacesOf, needsOf, type Rendered, type RenderedService } from '../rendered.ts';
import type { Revision } from '../revisions/revisions.ts';
import { isOf } from '../revisions/origin.ts';

export interface OrderFacts extends PlanFacts {
  /** By desired service; one that is not on the host yet is not known. */
  images: FoundImages;
  /** What runs, as far as it is known to work. */
  good: Revision | undefined;
  /** Of our own, besides Docker's. */
  healthChecks: readonly HealthCheck[];
}

/** The plan, with the order in which each service is replaced. */
export function planReplacing(facts: OrderFacts): PlanStep[] {
  const steps = planDeploy(facts);
  const recreated = new Set(steps.filter(({ action }) => action === 'recreate').map(({ service }) => service));
  return steps.map((step) =>
    recreated.has(step.service) ? { ...step, replacement: orderOf(step.service, facts, recreated) } : step,
  );
}

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
  /** All that are recreated, this one among them. */
  recreated: ReadonlySet<string>;
  /** The file says `order: start-first`: somebody has thought about health and shared data. */
  isAsked: boolean;
}

function orderOf(name: string, facts: OrderFacts, recreated: ReadonlySet<string>): Replacement {
  const service = facts.desired.services[name] ?? {};
  const order = service.deploy?.update_config?.order;
  const subject = { name, service, facts, recreated, isAsked: order === 'start-first' };
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
  linked,
  restartedWithIt,
  restartedAfterIt,
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

/** Within the one that has it, the name of a link is another name of one container. */
function linked({ name, facts: { desired } }: Subject): string | undefined {
  const services = Object.entries(desired.services);
  const linking = services.find(([, service]) =>
    listOf(service['links']).some((link) => textOf(link).split(':')[0] === name),
  );
  return linking && `${linking[0]} is linked to its container (links)`;
}

/** `depends_on: {…: {restart: true}}`: Compose restarts those when it recreates this one. */
function restartedWithIt({ name, facts: { desired } }: Subject): string | undefined {
  const dependent = Object.entries(desired.services).find(([, { depends_on: needs }]) => needs?.[name]?.restart);
  return dependent && `${dependent[0]} is restarted with it (depends_on)`;
}

/** Compose restarts those in the run that recreates the other, and what needs this one has a later run of its own. */
function restartedAfterIt({ name, facts: { desired }, recreated }: Subject): string | undefined {
  for (const dependent of dependentsOf(name, desired)) {
    const needs = Object.entries(desired.services[dependent]?.depends_on ?? {});
    const cause = needs.find(([need, { restart }]) => restart && recreated.has(need));
    if (cause) return `${dependent}, which needs it, is restarted with ${cause[0]} (depends_on)`;
  }
  return undefined;
}

/** Also those that need it by way of others. */
function dependentsOf(name: string, rendered: Rendered): string[] {
  const found = new Set([name]);
  for (const other of levelsOf(rendered).flat()) {
    if (needsOf(rendered.services[other] ?? {}).some((need) => found.has(need))) found.add(other);
  }
  return [...found].slice(1);
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

function noHealthCheck({ name, service: { healthcheck }, facts, isAsked }: Subject): string | undefined {
  const { images, healthChecks } = facts;
  if (isAsked || healthChecks.some((check) => check.service === name)) return undefined;
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
