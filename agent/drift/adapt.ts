// Changes the text of a compose file so that it says how containers are set up by now. Only keys that differ are written
// anew, so that the rest, comments and variables included, stays as its author wrote it. What a file of this service
// cannot say is refused, by name: nothing is accepted by half.
import { isDeepStrictEqual } from 'node:util';
import { isAlias, parseDocument, stringify, type Document } from 'yaml';
import { parseCompose } from '#shared/compose/parse.ts';
import { isMap, listOf, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import { escaped } from '../adoption/secrets-out.ts';
import { replicasOf, type Rendered } from '../deploy/rendered.ts';
import type { LiveConfig } from '../docker/live-container.ts';
import { fieldsOfConfig, placeOf, type DriftedContainer, type DriftedField } from './compare.ts';
import type { Snapshot, SnapshotContainer } from './snapshot.ts';

export interface AdaptFacts {
  drifted: readonly DriftedContainer[];
  /** What the good revision's containers were, and what they are. */
  expected: Snapshot;
  live: Snapshot;
  /** The good revision's file as Compose reads it. */
  rendered: Rendered;
}

/** Throws `state_conflict` for what cannot be said in this file. */
export function adaptCompose(text: string, facts: AdaptFacts): string {
  const { services, layers } = parseCompose(text);
  if (layers) throw cannot('the file holds more than one YAML document');
  const document = parseDocument(text, { merge: true });
  const names = new Set(facts.drifted.map(({ service }) => service));
  for (const name of names) adaptService({ document, name, facts, written: services[name] });
  return document.toString({ lineWidth: 0 });
}

interface Subject {
  document: Document;
  /** Compose service. */
  name: string;
  facts: AdaptFacts;
  /** As the file has it; undefined where another file says it. */
  written: ComposeMap | undefined;
}

function adaptService(subject: Subject): void {
  const { name, facts, written } = subject;
  const own = (all: Snapshot) => all.filter(({ service }) => service === name);
  const [live, expected] = [own(facts.live), own(facts.expected)];
  const rendered = facts.rendered.services[name];
  if (!rendered) throw cannot(`container "${live[0]?.name ?? name}" belongs to no service of the file`);
  if (!written) throw cannot(`service "${name}" is not written in the file itself`);
  const [first, before] = [requireAlike(name, live), expected[0]];
  if (!before) throw cannot(`service "${name}" had no container when its revision was recorded`);
  const next = adaptKeys(subject, written, fieldsOfConfig(before.config, first.config), first.config);
  const scaled = live.length === replicasOf(rendered) ? next : withScale(next, live.length);
  writeService(subject, written, scaled);
}

function requireAlike(name: string, live: Snapshot): SnapshotContainer {
  const [first, ...others] = live;
  if (!first) throw cannot(`service "${name}" has no container left`);
  const odd = others.find((other) => fieldsOfConfig(first.config, other.config).length > 0);
  if (odd) throw cannot(`containers "${first.name}" and "${odd.name}" are not set up alike`);
  return first;
}

/** The service as plain data, as it has to stand in the file. */
function adaptKeys(
  { facts, document }: Subject,
  written: ComposeMap,
  fields: readonly DriftedField[],
  config: LiveConfig,
): ComposeMap {
  const byKey = Map.groupBy(fields, ({ key }) => key);
  let next = written;
  for (const [key, changed] of byKey) {
    refuseUnsayable(next, key, changed);
    const adapt = ADAPTERS[key] ?? replaceKey;
    next = adapt({ service: next, key, changed, value: config[key], facts, document });
  }
  return next;
}

/** One key of a service that differs. */
interface KeyChange {
  service: ComposeMap;
  key: string;
  changed: readonly DriftedField[];
  /** Live; undefined is Docker's default. */
  value: unknown;
  facts: AdaptFacts;
  document: Document;
}

function refuseUnsayable(service: ComposeMap, key: string, [first]: readonly DriftedField[]): void {
  const actual = textOf(first?.actual);
  if (key === 'image' && service['build'] !== undefined) throw cannot('the image is built from the file');
  if (actual.startsWith('container:')) throw cannot(`${key} is the namespace of a container outside of the service`);
  if (key === 'gpus' && service['deploy'] !== undefined) throw cannot('devices are reserved under "deploy"');
}

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
    next = withKey(next, key, actual === undefined ? undefined : isMap(actual) && isEmpty(actual) ? null : actual);
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

const ADAPTERS: Record<string, (change: KeyChange) => ComposeMap> = {
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

function withScale(service: ComposeMap, count: number): ComposeMap {
  const { deploy } = service;
  if (service['scale'] === undefined && isMap(deploy) && deploy['replicas'] !== undefined)
    return { ...service, deploy: { ...deploy, replicas: count } };
  return { ...service, scale: count };
}

/** Key by key; a service that stands in the file as an alias gets a text of its own. */
function writeService({ document, name }: Subject, before: ComposeMap, after: ComposeMap): void {
  const path = ['services', name];
  if (isAlias(document.getIn(path, true))) return document.setIn(path, document.createNode(after));
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isDeepStrictEqual(before[key], after[key])) continue;
    if (after[key] === undefined) document.deleteIn([...path, key]);
    else document.setIn([...path, key], document.createNode(after[key], { aliasDuplicateObjects: false }));
  }
  const now = parseCompose(stringify(document)).services[name] ?? {};
  const left = Object.keys(now).find((key) => after[key] === undefined);
  if (left !== undefined) throw cannot(`"${left}" of service "${name}" comes from another part of the file`);
}

const cannot = (why: string): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `What lives now cannot be accepted: ${why}`,
    details: 'Revert the drift, or change the service to what it should be.',
  });
