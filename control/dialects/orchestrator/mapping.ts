// Pure: what the app layer knows and says, in the words of the orchestrator's Services API.
import { LongshoreError, problemsOf, type ErrorCode } from '#shared/errors.ts';
import type { ContainerView } from '#shared/model.ts';
import { toRfc3339 } from '#shared/time.ts';
import { findOutage, isReachable } from '../../app/hosts/outage.ts';
import { publishedPort } from '../../http/views/published-url.ts';
import { namesOf, type Placed } from '../names.ts';
import { toStatus, type Status } from './status.ts';

export { fromName, namesOf, pickService } from '../names.ts';
export { toStatus } from './status.ts';

/** Of its documents; a summary has each, also while no service is in it. */
const CATEGORIES = ['infrastructure', 'ai', 'monitoring'];
/** Of a service without one. */
const NO_CATEGORY = 'other';
const NONE = { total: 0, healthy: 0, unhealthy: 0 };
/** As its documents and `docker ps` show them. */
const ID_CHARS = 12;

export interface ServiceInfo {
  name: string;
  display_name: string;
  category: string;
  status: Status;
  enabled: boolean;
  container_id: string | null;
  image: string | null;
  port: number | null;
  failure_count: number;
  restart_count: number;
  last_restart_at: string | null;
  uptime_seconds: number | null;
}

export const VERBS = ['restart', 'enable', 'disable', 'start'] as const;
export type Verb = (typeof VERBS)[number];

/** `placed`: every service the caller sees. The summary is of all of them, whatever is listed. */
export function toList(placed: readonly Placed[], { category, now }: { category?: string | undefined; now: number }) {
  const names = namesOf(placed);
  const infos = placed.map((each, i) => toInfo(each, { name: names[i] as string, now }));
  return {
    services: category === undefined ? infos : infos.filter((info) => info.category === category),
    by_category: summarize(infos),
    timestamp: toRfc3339(now),
  };
}

export function toInfo({ service, host }: Placed, { name, now }: { name: string; now: number }): ServiceInfo {
  const { report } = service;
  const containers = report?.containers ?? [];
  const main = findMain(containers);
  const lastRestartAt = report?.healing?.lastRestartAt ?? null;
  // Where its host is away nobody can tell how it is: whoever watches for what does not run must hear of it.
  const isKnown = isReachable(host);
  const health = isKnown ? service.health : 'unhealthy';
  return {
    name,
    display_name: service.displayName ?? service.name,
    category: service.category ?? NO_CATEGORY,
    status: toStatus({ ...service, health }),
    enabled: service.isEnabled,
    container_id: main?.id.slice(0, ID_CHARS) ?? null,
    image: main?.image ?? null,
    port: findPort(containers),
    failure_count: report?.healing?.failureCount ?? 0,
    restart_count: report?.healing?.restartCount ?? 0,
    last_restart_at: lastRestartAt === null ? null : toRfc3339(lastRestartAt),
    uptime_seconds: main && isKnown ? uptimeOf(main, now) : null,
  };
}

/** `info` as it is after the act; what starts is shown as starting, the list knows when it has. */
export function toAnswer(verb: Verb, info: ServiceInfo) {
  const reset = verb === 'disable' ? {} : { failure_count: 0 };
  const isStarting = verb === 'start' || verb === 'restart';
  const starting = isStarting ? { status: 'starting' as const, container_id: null, uptime_seconds: null } : {};
  return {
    success: true,
    message: `Service '${info.name}' ${isStarting ? `${verb} initiated` : `${verb}d`}`,
    service: { ...info, ...reset, ...starting },
  };
}

/** Why the documents refuse it. The app layer refuses the rest. */
export function findRefusal(verb: Verb, { service, host }: Placed): LongshoreError | null {
  const outage = findOutage(host);
  if (outage) return outage;
  if (verb !== 'start' || service.lifecycle !== 'running') return null;
  return new LongshoreError('state_conflict', { message: `Service '${service.name}' is already running` });
}

/** Why a list cannot be given: nothing is known of any service of it now. */
export function findBlackout(placed: readonly Placed[]): LongshoreError | null {
  const [first] = placed;
  return first && !placed.some(({ host }) => isReachable(host)) ? findOutage(first.host) : null;
}

/** Where the documents want another status than our own API gives. */
const STATUS_CODES: Partial<Record<ErrorCode, number>> = {
  state_conflict: 400, // it is disabled, runs already, or was never deployed
  host_offline: 503, // all three: "container orchestrator not available"
  link_closed: 503,
  docker_unavailable: 503,
};

/** Errors as FastAPI words them. */
export function wordError(error: LongshoreError): { status: number; body: { detail: string } } {
  const more = [error.details ?? [], problemsOf(error.fields)].flat().join('; ');
  const detail = more === '' ? error.message : `${error.message}: ${more}`;
  return { status: STATUS_CODES[error.code] ?? error.status, body: { detail } };
}

function summarize(infos: readonly ServiceInfo[]) {
  const counts = new Map(CATEGORIES.map((category) => [category, NONE]));
  for (const { category, status } of infos) {
    const { total, healthy, unhealthy } = counts.get(category) ?? NONE;
    const one = status === 'running' ? 1 : 0;
    counts.set(category, { total: total + 1, healthy: healthy + one, unhealthy: unhealthy + 1 - one });
  }
  return Object.fromEntries(counts);
}

/** The one that answers where the service is called, else one that runs. */
function findMain(containers: readonly ContainerView[]): ContainerView | undefined {
  const port = findPort(containers);
  const answers = ({ ports }: ContainerView) => ports.some(({ host }) => host === port);
  return containers.find(answers) ?? containers.find(isUp) ?? containers[0];
}

/** The lowest that is published; null: none is. */
const findPort = (containers: readonly ContainerView[]): number | null =>
  publishedPort(containers.flatMap(({ ports }) => ports))?.host ?? null;

const uptimeOf = (container: ContainerView, now: number): number | null =>
  isUp(container) ? Math.max(0, Math.floor((now - container.startedAt) / 1000)) : null;

const isUp = ({ state }: ContainerView): boolean => state === 'running';
