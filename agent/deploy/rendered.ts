// The normalised compose file (`docker compose config --format json`): its shape as far as we read it, what we stamp on
// it, and what it says about order, images and ports. Pure.
import { createHash } from 'node:crypto';
import { publishedOf, type PortRange } from '#shared/compose/judge-ports.ts';
import { isInside } from '#shared/compose/paths.ts';
import { isMap, listOf, type ComposeMap } from '#shared/compose/values.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

/** Only what we read; everything else is carried along untouched. */
export interface RenderedService extends ComposeMap {
  image?: string;
  build?: unknown;
  labels?: Record<string, string>;
  depends_on?: Record<string, { condition: DependencyCondition; required?: boolean; restart?: boolean }>;
  network_mode?: string;
  networks?: Record<string, unknown>;
  container_name?: string;
  pull_policy?: string;
  platform?: string;
  ports?: unknown[];
  volumes?: unknown[];
  healthcheck?: { test?: unknown; disable?: boolean } & ComposeMap;
  configs?: { source: string }[];
  secrets?: { source: string }[];
  stop_grace_period?: string;
  scale?: number;
  deploy?: {
    replicas?: number;
    mode?: string;
    resources?: { limits?: Record<string, unknown>; reservations?: Record<string, unknown> };
    update_config?: { order?: string; monitor?: string };
  };
}

export interface Rendered extends ComposeMap {
  name: string;
  services: Record<string, RenderedService>;
}

export const parseRendered = (json: string): Rendered => {
  const rendered = JSON.parse(json) as Rendered;
  return { ...rendered, services: rendered.services ?? {} };
};

/** What JSON may hold as it is, and Compose's YAML parser takes for the end of a line or refuses to read. */
const UNPRINTED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** For Compose to read again what was judged, each value to the byte. */
export const printRendered = (rendered: Rendered): string =>
  JSON.stringify(rendered, undefined, 2).replaceAll(
    UNPRINTED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Changes with what Compose copies into a container at its creation, which its own hash leaves out. */
export const CONTENT_LABEL = 'longshore.content';

export interface StampFacts {
  serviceId: string;
  variables: Readonly<Record<string, string>>;
  /** Where the files of the commit are, for a service from Git. */
  checkout?: string | undefined;
}

/**
 * Adds our labels, last of all: whose container it is, and a digest of the inline configs and secrets it gets and of
 * the places of those that come with a commit, so that a new content makes a new container.
 */
export function stampRendered(rendered: Rendered, facts: StampFacts): Rendered {
  const services = Object.entries(rendered.services).map(([name, service]): [string, RenderedService] => {
    const content = contentOf(rendered, service, facts);
    const digest = content === '' ? {} : { [CONTENT_LABEL]: sha256(content).slice(0, 16) };
    return [name, { ...service, labels: { ...service.labels, [SERVICE_LABEL]: facts.serviceId, ...digest } }];
  });
  return { ...rendered, services: Object.fromEntries(services) };
}

/** The file without what we added: to the judges our labels are forgeries. */
export function unstampRendered(rendered: Rendered): Rendered {
  const services = Object.entries(rendered.services).map(([name, service]): [string, RenderedService] => {
    const { [SERVICE_LABEL]: _id, [CONTENT_LABEL]: _digest, ...labels } = service.labels ?? {};
    return [name, { ...service, labels }];
  });
  return { ...rendered, services: Object.fromEntries(services) };
}

function contentOf(rendered: Rendered, service: RenderedService, { variables, checkout }: StampFacts): string {
  const parts = (['configs', 'secrets'] as const).flatMap((kind) => {
    const declared = rendered[kind];
    return listOf(service[kind]).map((use) => {
      const source = isMap(use) ? use['source'] : use;
      const item = isMap(declared) ? declared[String(source)] : undefined;
      if (!isMap(item)) return '';
      const { content, environment, file } = item;
      if (typeof content === 'string') return content;
      if (checkout !== undefined && typeof file === 'string') return isInside(checkout, file, checkout) ? file : '';
      return typeof environment === 'string' ? `${environment}=${variables[environment] ?? ''}` : '';
    });
  });
  return parts.filter(Boolean).join('\0');
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What Compose names the image of a service that has none. */
export const imageOf = (rendered: Rendered, name: string): string =>
  rendered.services[name]?.image ?? `${rendered.name}-${name}`;

export function replicasOf(service: RenderedService): number {
  return service.scale ?? service.deploy?.replicas ?? 1;
}

/** Whose namespaces it lives in: `host`, `service:db`, `container:x`. */
export const namespacesOf = ({ network_mode: network, ipc, pid }: RenderedService): string[] =>
  [network, ipc, pid].filter((mode) => typeof mode === 'string');

/** Services this one needs to be up: depends_on, and those whose namespace it shares. */
export function needsOf(service: RenderedService): string[] {
  const shared = namespacesOf(service).map((mode) => /^service:(.+)$/.exec(mode)?.[1]);
  return [...Object.keys(service.depends_on ?? {}), ...shared.filter((name) => name !== undefined)];
}

/** Services in the order they start: each level needs only the levels before it. A circle ends in one last level. */
export function levelsOf({ services }: Rendered): string[][] {
  const waiting = new Set(Object.keys(services).toSorted());
  const levels: string[][] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter((name) => !needsOf(services[name] ?? {}).some((need) => waiting.has(need)));
    const level = ready.length > 0 ? ready : [...waiting];
    for (const name of level) waiting.delete(name);
    levels.push(level);
  }
  return levels;
}

export interface ServicePort extends PortRange {
  service: string;
}

/** Fixed host ports only; one that Docker chooses can't clash. */
export function portsOf({ services }: Rendered): ServicePort[] {
  return Object.entries(services).flatMap(([service, { ports }]) =>
    listOf(ports).flatMap((value) => {
      const range = publishedOf(value);
      return range ? [{ ...range, service }] : [];
    }),
  );
}

const DURATION_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** How long a stop may take: `1m30s`; undefined where the file says nothing (Docker's default is then 10 s). */
export const graceMsOf = ({ stop_grace_period: text }: RenderedService): number | undefined =>
  text === undefined ? undefined : durationMs(text);

/** As Compose prints durations: `1m30s`. */
export function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (DURATION_MS[unit] ?? 0), 0);
}
