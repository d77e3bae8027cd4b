// Changes the text of a compose file so that it says how containers are set up by now. Only keys that differ are written
// anew, so that the rest, comments and variables included, stays as its author wrote it. What a file of this service
// cannot say is refused, by name: nothing is accepted by half.
import { isDeepStrictEqual } from 'node:util';
import { isMap as isMapNode, parseDocument, type Document } from 'yaml';
import { parseCompose } from '#shared/compose/parse.ts';
import { isMap, textOf, type ComposeMap } from '#shared/compose/values.ts';
import { toYamlNode } from '#shared/compose/write-yaml.ts';
import { replicasOf } from '../deploy/rendered.ts';
import type { LiveConfig } from '../docker/live-container.ts';
import { adaptKey, cannot, type AdaptFacts } from './adapt-key.ts';
import { fieldsOfConfig, type DriftedField } from './compare.ts';
import type { Snapshot, SnapshotContainer } from './snapshot.ts';

/** Throws `state_conflict` for what cannot be said in this file. */
export function adaptCompose(text: string, facts: AdaptFacts): string {
  const { services, layers } = parseCompose(text);
  if (layers) throw cannot('the file holds more than one YAML document');
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0) throw cannot('the file is written in a way that only Compose reads');
  const names = new Set(facts.drifted.map(({ service }) => service));
  const adapted = [...names].map((name): [string, ComposeMap] => {
    return [name, adaptService({ document, name, facts, written: services[name] })];
  });
  const adaptedText = print(document);
  requireSaid(parseCompose(adaptedText).services, { ...services, ...Object.fromEntries(adapted) });
  return adaptedText;
}

function print(document: Document): string {
  try {
    return document.toString({ lineWidth: 0 });
  } catch {
    throw cannot('what differs has an anchor that another part of the file refers to');
  }
}

/** Through anchors, aliases and merged keys a change may reach further than its place, or not as far as it should. */
function requireSaid(said: Readonly<Record<string, ComposeMap>>, wanted: Readonly<Record<string, ComposeMap>>): void {
  const other = Object.keys(wanted).find((name) => !isDeepStrictEqual(said[name], wanted[name]));
  if (other !== undefined) throw cannot(`service "${other}" would become another one by an anchor or a merged key`);
}

interface Subject {
  document: Document;
  /** Compose service. */
  name: string;
  facts: AdaptFacts;
  /** As the file has it; undefined where another file says it. */
  written: ComposeMap | undefined;
}

/** The service as plain data, as it stands in the file from now on. */
function adaptService(subject: Subject): ComposeMap {
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
  write(subject.document, ['services', name], written, scaled);
  return scaled;
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
    next = adaptKey({ service: next, key, changed, value: config[key], facts, document });
  }
  return next;
}

function refuseUnsayable(service: ComposeMap, key: string, changed: readonly DriftedField[]): void {
  const actual = textOf(changed[0]?.actual);
  if (key === 'image' && service['build'] !== undefined) throw cannot('the image is built from the file');
  if (actual.startsWith('container:')) throw cannot(`${key} is the namespace of a container outside of the service`);
  const isGone = changed.some((field) => field.actual === undefined);
  if (isGone && service['extends'] !== undefined) throw cannot(`${key} may come from what the service extends`);
  if (isGone && key === 'environment' && service['env_file'] !== undefined)
    throw cannot('the environment may come from an env_file');
  if (key === 'gpus' && service['deploy'] !== undefined) throw cannot('devices are reserved under "deploy"');
}

function withScale(service: ComposeMap, count: number): ComposeMap {
  const { deploy } = service;
  if (service['scale'] === undefined && isMap(deploy) && deploy['replicas'] !== undefined)
    return { ...service, deploy: { ...deploy, replicas: count } };
  return { ...service, scale: count };
}

/** Key by key, so that what stays is not touched. What is there as an alias gets a text of its own. */
function write(document: Document, path: readonly string[], before: unknown, after: unknown): void {
  if (isDeepStrictEqual(before, after)) return;
  if (after === undefined) document.deleteIn(path);
  else if (!isMap(before) || !isMap(after) || !isMapNode(document.getIn(path, true)))
    document.setIn(path, toYamlNode(document, after));
  else
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      write(document, [...path, key], before[key], after[key]);
}
