// What differs between the containers of a revision as they were recorded and as they are. Pure. Replicas have no
// identity: a group is compared with a group, and only what finds no equal on the other side has changed.
import { isDeepStrictEqual } from 'node:util';
import { isMap, textOf } from '#shared/compose/values.ts';
import { SERVICE_LABEL } from '../docker/engine.ts';
import type { LiveConfig } from '../docker/live-container.ts';
import type { Snapshot, SnapshotContainer } from './snapshot.ts';

export type ContainerChange = 'missing' | 'extra' | 'changed';

/** One place that differs; undefined is absent. */
export interface DriftedField {
  /** `mem_limit`; `image_id` beside what a compose file knows. */
  key: string;
  /** Within a map, or the target of a mount. */
  name?: string;
  expected: unknown;
  actual: unknown;
}

/** `mem_limit`, `environment.LEVEL`, `volumes./data`. */
export const placeOf = ({ key, name }: Pick<DriftedField, 'key' | 'name'>): string =>
  name === undefined ? key : `${key}.${name}`;

export interface DriftedContainer {
  service: string;
  /** Its name; of one that is missing, the name it had. */
  container: string;
  change: ContainerChange;
  fields: DriftedField[];
}

/** Ordered by service and name; empty when nothing has drifted. */
export function compareContainers(expected: Snapshot, actual: Snapshot): DriftedContainer[] {
  const names = new Set([...expected, ...actual].map(({ service }) => service));
  return [...names].toSorted().flatMap((service) => {
    const own = (all: Snapshot) => all.filter((one) => one.service === service).toSorted(byName);
    return compareGroup(own(expected), own(actual));
  });
}

/** Ten replicas come after two. */
const byName = (a: SnapshotContainer, b: SnapshotContainer): number =>
  a.name.localeCompare(b.name, 'en', { numeric: true });

function compareGroup(expected: Snapshot, actual: Snapshot): DriftedContainer[] {
  const rest = [...actual];
  const unmatched = expected.filter((one) => {
    const at = rest.findIndex((other) => fieldsOf(one, other).length === 0);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  const changed = unmatched.flatMap((one) => {
    const other = takeNamesake(one, rest);
    return other ? [toDrifted(other, 'changed', fieldsOf(one, other))] : [toDrifted(one, 'missing')];
  });
  return [...changed, ...rest.map((one) => toDrifted(one, 'extra'))];
}

/** The one of the same name if there is one, so that a report names what somebody changed. */
function takeNamesake({ name }: SnapshotContainer, rest: Snapshot): SnapshotContainer | undefined {
  const at = rest.findIndex((other) => other.name === name);
  return rest.splice(Math.max(at, 0), 1)[0];
}

const toDrifted = (
  { service, name: container }: SnapshotContainer,
  change: ContainerChange,
  fields: DriftedField[] = [],
): DriftedContainer => ({ service, container, change, fields });

function fieldsOf(expected: SnapshotContainer, actual: SnapshotContainer): DriftedField[] {
  const fields = fieldsOfConfig(expected.config, actual.config);
  if (expected.imageId !== actual.imageId)
    fields.push({ key: 'image_id', expected: expected.imageId, actual: actual.imageId });
  if (expected.owner !== actual.owner) {
    const owners = { expected: expected.owner ?? undefined, actual: actual.owner ?? undefined };
    fields.push({ key: 'labels', name: SERVICE_LABEL, ...owners });
  }
  return fields;
}

export function fieldsOfConfig(expected: LiveConfig, actual: LiveConfig): DriftedField[] {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  return keys.flatMap((key) => {
    const [before, after] = [byPlace(key, expected[key]), byPlace(key, actual[key])];
    if (isDeepStrictEqual(before, after)) return [];
    if (!isMap(before ?? {}) || !isMap(after ?? {})) return [{ key, expected: before, actual: after }];
    return fieldsOfMap(key, asMap(before), asMap(after));
  });
}

/** A list of mounts as a map, so that one more is one difference. */
function byPlace(key: string, value: unknown): unknown {
  if (key !== 'volumes' || !Array.isArray(value)) return value;
  return Object.fromEntries(value.filter(isMap).map((mount) => [textOf(mount['target']), mount]));
}

function fieldsOfMap(key: string, expected: Record<string, unknown>, actual: Record<string, unknown>): DriftedField[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  const changed = names.filter((name) => !isDeepStrictEqual(expected[name], actual[name]));
  return changed.map((name) => ({ key, name, expected: expected[name], actual: actual[name] }));
}

const asMap = (value: unknown): Record<string, unknown> => (isMap(value) ? value : {});
