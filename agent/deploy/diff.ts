// What differs between two renderings of a compose service, in words. Values are shown only where they can't be secret.
import { isDeepStrictEqual } from 'node:util';
import { isMap, textOf } from '#shared/compose/values.ts';
import type { RenderedService } from './rendered.ts';

/** Compose leaves these out of its own comparison: they need no new container. */
const NOT_COMPARED = new Set(['build', 'pull_policy', 'depends_on', 'profiles', 'scale']);
/** Values that are worth reading and hold no secret. */
const SHOWN = new Set(['image', 'container_name', 'restart', 'user', 'working_dir', 'network_mode', 'platform']);
/** Maps whose keys say enough: `environment LOG_LEVEL changed`. */
const BY_KEY = new Set(['environment', 'labels', 'networks', 'sysctls', 'extra_hosts', 'ulimits']);

/** One phrase for each field, in the order of the new rendering; empty when Compose would keep the container. */
export function diffService(before: RenderedService, after: RenderedService): string[] {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...keys].flatMap((key) => {
    if (NOT_COMPARED.has(key)) return [];
    const [old, now] = [comparable(key, before[key]), comparable(key, after[key])];
    return isDeepStrictEqual(old, now) ? [] : describe(key, old, now);
  });
}

/** `deploy.replicas` changes how many containers there are, not what they are. */
function comparable(key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (key !== 'deploy' || !isMap(value)) return value;
  const { replicas: _, ...rest } = value;
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function describe(key: string, old: unknown, now: unknown): string[] {
  if (SHOWN.has(key) && old !== undefined && now !== undefined)
    return [`${key} changed ${textOf(old)} → ${textOf(now)}`];
  if (key === 'ports') return [`ports changed ${portsText(old)} → ${portsText(now)}`];
  if (BY_KEY.has(key) && isMap(old ?? {}) && isMap(now ?? {})) return describeKeys(key, asMap(old), asMap(now));
  return [`${key} ${verb(old, now)}`];
}

function describeKeys(key: string, old: Record<string, unknown>, now: Record<string, unknown>): string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(old)])];
  const changed = names.filter((name) => !isDeepStrictEqual(old[name], now[name]));
  return changed.map((name) => `${key} ${name} ${verb(old[name], now[name])}`);
}

const verb = (old: unknown, now: unknown): string =>
  old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';

const asMap = (value: unknown): Record<string, unknown> => (isMap(value) ? value : {});

/** `8080:80/tcp, 53:53/udp`, or `none`. */
function portsText(ports: unknown): string {
  if (!Array.isArray(ports) || ports.length === 0) return 'none';
  return ports
    .map((port) => {
      const { published, target, protocol } = asMap(port);
      return `${published === undefined ? '' : `${textOf(published)}:`}${textOf(target)}/${textOf(protocol)}`;
    })
    .join(', ');
}
