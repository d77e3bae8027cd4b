// How each key of a compose service comes to say what a container is set up with. Pure: the service as plain data, before
// and after. Beside the service only networks and volumes are declared that the file does not know.
import type { Document } from 'yaml';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import { escaped } from '../adoption/secrets-out.ts';
import type { Rendered } from '../deploy/rendered.ts';
import { placeOf, type DriftedContainer, type DriftedField } from './compare.ts';
import type { Snapshot } from './snapshot.ts';

export interface AdaptFacts {
  drifted: readonly DriftedContainer[];
  /** What the good revision's containers were, and what they are. */
  expected: Snapshot;
  live: Snapshot;
  /** The good revision's file as Compose reads it. */
  rendered: Rendered;
}

/** One key of a service that differs. */
export interface KeyChange {
  service: ComposeMap;
  key: string;
  changed: readonly DriftedField[];
  /** Live; undefined is Docker's default. */
  value: unknown;
  facts: AdaptFacts;
  document: Document;
}

/** The service with that key as it lives. Throws `state_conflict`. */
export const adaptKey = (change: KeyChange): ComposeMap => (OTHERS[change.key] ?? replaceKey)(change);

const replaceKey = ({ service, key, value }: KeyChange): ComposeMap => withKey(service, key, escaped(value));

function withKey(map: ComposeMap, key: string, value: unknown): ComposeMap {
  const { [key]: _, ...rest } = map;
  return value === undefined ? rest : { ...map, [key]: value };
}

/** Maps that may be written as a list of `NAME=value`; what did not change stays as it was written. */
function replaceEntries({ service, key, changed }: KeyChange): ComposeMap {
  let next = mapOf(service[key]);
  for (const field of changed) {
    const { name = '', actual } = field;
    if (actual === undefined && !Object.hasOwn(next, name)) throw cannot(`${placeOf(field)} is not in the file itself`);
    next = withKey(next, name, escaped(actual));
  }
  return withKey(service, key, isEmpty(next) ? undefined : next);
}

function mapOf(value: unknown): ComposeMap {
  if (isMap(value)) return value;
  return Object.fromEntries(
    listOf(value).map((item) => {
      const text = textOf(item);
      const at = text.indexOf('=');
      return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

const isEmpty = (map: ComposeMap): boolean => Object.keys(map).length === 0;

function replaceMounts({ service, key, changed, facts, document }: KeyChange): ComposeMap {
  const targets = new Set(changed.map(({ name }) => name));
  const kept = listOf(service[key]).filter((mount) => !targets.has(targetOf(mount)));
  const lost = changed.find(
    ({ name, expected, actual }) =>
      expected !== undefined && actual === undefined && !listOf(service[key]).some((mount) => targetOf(mount) === name),
  );
  if (lost) throw cannot(`${placeOf(lost)} is not in the file itself`);
  const taken = changed.flatMap(({ actual }) => (isMap(actual) ? [toMount(actual, facts, document)] : []));
  const mounts = [...kept, ...taken];
  return withKey(service, key, mounts.length === 0 ? undefined : mounts);
}

/** `source:target:ro`, a target alone, or the long form. */
function targetOf(mount: unknown): string {
  if (isMap(mount)) return textOf(mount['target']);
  const [source = '', target] = textOf(mount).split(':');
  return target ?? source;
}

function toMount(mount: ComposeMap, facts: AdaptFacts, document: Document): ComposeMap {
  const source = textOf(mount['source']);
  const isNamed = mount['type'] === 'volume' && source !== '';
  return escaped(isNamed ? { ...mount, source: keyOf('volumes', source, facts, document) } : mount);
}

/** Networks by the keys of the file. Without any, a service is in `default`. */
function replaceNetworks({ service, changed, facts, document }: KeyChange): ComposeMap {
  const written = service['networks'];
  const names = listOf(written).map(textOf);
  let next: ComposeMap = isMap(written) ? written : Object.fromEntries(names.map((name) => [name, null]));
  if (written === undefined) next = { default: null };
  for (const { name = '', actual } of changed) {
    const key = keyOf('networks', name, facts, actual === undefined ? undefined : document);
    next = withKey(
      next,
      key,
      actual === undefined ? undefined : isMap(actual) && isEmpty(actual) ? null : escaped(actual),
    );
  }
  if (isEmpty(next)) throw cannot('the service has no network left');
  return { ...withKey(service, 'network_mode', undefined), networks: next };
}

/** The file's key for what Docker calls `name`; what the file does not know is declared as somebody else's. */
function keyOf(
  kind: 'networks' | 'volumes',
  name: string,
  { rendered }: AdaptFacts,
  document: Document | undefined,
): string {
  const declared = isMap(rendered[kind]) ? Object.entries(rendered[kind]) : [];
  const found = declared.find(([, one]) => isMap(one) && one['name'] === name);
  if (found) return found[0];
  const key = declared.some(([other]) => other === name) ? `${name}_outside` : name;
  document?.setIn([kind, key], document.createNode({ name, external: true }));
  return key;
}

/** Limits stand where the file has them already: Compose refuses two that differ. */
const underDeploy =
  (group: 'limits' | 'reservations', name: string) =>
  (change: KeyChange): ComposeMap => {
    const { service, value } = change;
    const deploy = isMap(service['deploy']) ? service['deploy'] : {};
    const resources = isMap(deploy['resources']) ? deploy['resources'] : {};
    const held = resources[group];
    if (!isMap(held) || held[name] === undefined) return replaceKey(change);
    const stated = value === undefined ? undefined : name === 'pids' ? value : textOf(value);
    const next = { ...resources, [group]: withKey(held, name, stated) };
    return { ...service, deploy: { ...deploy, resources: next } };
  };

/** Of the two places the one under `deploy` would win. */
function replaceRestart({ service, value }: KeyChange): ComposeMap {
  const { deploy } = service;
  const next = withKey(service, 'restart', value ?? 'no');
  return isMap(deploy) ? withKey(next, 'deploy', withKey(deploy, 'restart_policy', undefined)) : next;
}

const OTHERS: Record<string, (change: KeyChange) => ComposeMap> = {
  environment: replaceEntries,
  labels: replaceEntries,
  volumes: replaceMounts,
  networks: replaceNetworks,
  cpus: underDeploy('limits', 'cpus'),
  mem_limit: underDeploy('limits', 'memory'),
  pids_limit: underDeploy('limits', 'pids'),
  mem_reservation: underDeploy('reservations', 'memory'),
  restart: replaceRestart,
};

/** Nothing is accepted by half. */
export const cannot = (why: string): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `What lives now cannot be accepted: ${why}`,
    details: 'Revert the drift, or change the service to what it should be.',
  });
