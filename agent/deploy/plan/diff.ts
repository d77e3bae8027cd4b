// What differs between two renderings of a compose service: as facts, and in words. Words show values only where they
// can't be secret; who shows facts hides what must be hidden (show-change.ts).
import { isDeepStrictEqual } from 'node:util';
import { isMap, textOf } from '#shared/compose/values.ts';
import type { RenderedService } from '../rendered.ts';

/** Compose leaves these out of its own comparison: they need no new container. */
const NOT_COMPARED = new Set(['build', 'pull_policy', 'depends_on', 'profiles', 'scale']);
/** Values that are worth reading and hold no secret. */
const SHOWN = new Set(['image', 'container_name', 'restart', 'user', 'working_dir', 'network_mode', 'platform']);
/** Maps whose keys say enough: `environment LOG_LEVEL changed`. */
const BY_KEY = new Set(['environment', 'labels', 'networks', 'sysctls', 'extra_hosts', 'ulimits']);

/** One place that differs. Undefined is absent. */
export interface Change {
  key: string;
  /** Within a map that is compared key by key. */
  name?: string;
  before: unknown;
  after: unknown;
}

/** In the order of the new rendering; empty when Compose would keep the container. */
export function changesOf(before: RenderedService, after: RenderedService): Change[] {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...keys].flatMap((key) => {
    if (NOT_COMPARED.has(key)) return [];
    const [old, now] = [comparable(key, before[key]), comparable(key, after[key])];
    if (isDeepStrictEqual(old, now)) return [];
    const isByKey = BY_KEY.has(key) && isMap(old ?? {}) && isMap(now ?? {});
    return isByKey ? changesByKey(key, asMap(old), asMap(now)) : [{ key, before: old, after: now }];
  });
}

/** One phrase for each change. */
export const diffService = (before: RenderedService, after: RenderedService): string[] =>
  changesOf(before, after).map(inWords);

/** `deploy.replicas` changes how many containers there are, not what they are. */
function comparable(key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (key !== 'deploy' || !isMap(value)) return value;
  const { replicas: _, ...rest } = value;
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function changesByKey(key: string, old: Record<string, unknown>, now: Record<string, unknown>): Change[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(old)])];
  const changed = names.filter((name) => !isDeepStrictEqual(old[name], now[name]));
  return changed.map((name) => ({ key, name, before: old[name], after: now[name] }));
}

function inWords({ key, name, before, after }: Change): string {
  if (SHOWN.has(key) && before !== undefined && after !== undefined)
    return `${key} changed ${textOf(before)} → ${textOf(after)}`;
  if (key === 'ports') return `ports changed ${portsText(before)} → ${portsText(after)}`;
  return `${name === undefined ? key : `${key} ${name}`} ${verb(before, after)}`;
}

const verb = (old: unknown, now: unknown): string =>
  old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';

const asMap = (value: unknown): Record<string, unknown> => (isMap(value) ? value : {});

/** `8080:80/tcp, 53:53/udp`, or `none`. */
export function portsText(ports: unknown): string {
  if (!Array.isArray(ports) || ports.length === 0) return 'none';
  return ports
    .map((port) => {
      const { published, target, protocol } = asMap(port);
      return `${published === undefined ? '' : `${textOf(published)}:`}${textOf(target)}/${textOf(protocol)}`;
    })
    .join(', ');
}
