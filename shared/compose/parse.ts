// Reads a compose file's YAML within limits, before Compose sees it: Compose itself can be kept busy for minutes by a
// few hundred bytes of nested aliases. Pure; used by control at POST and by the agent. What the keys mean is checked
// by `docker compose config`, what they may ask for by policy.ts.
import { type Document, type Scalar, visit } from 'yaml';
import { guard, invalid, limit, readYaml } from './read-yaml.ts';
import { isMap, type ComposeMap } from './values.ts';

/** Chosen above the largest of 3 900 real files (106 kB, 36 aliases, 40 services). */
export const COMPOSE_LIMITS = {
  bytes: 256 * 1024,
  aliases: 100,
  /** Uses of an anchor times the aliases within it: flat use of all aliases stays far below, a bomb does not. */
  expansion: 1_000,
  services: 100,
  /** Deepest nesting; real files stay below 12. */
  depth: 32,
  /** Values after aliases are expanded. */
  nodes: 100_000,
} as const;

export interface ComposeDocument {
  /** The whole file as plain data: aliases and merge keys expanded, `${…}` as written. */
  root: ComposeMap;
  services: Record<string, ComposeMap>;
  /** The YAML documents that lie on top of each other in `root`, where there are several. */
  layers?: ComposeDocument[];
}

/** Fails with `yaml_resource_limit` or `compose_invalid`; details say where (line:column) and what. */
export function parseCompose(text: string): ComposeDocument {
  const roots = parseRoots(text);
  const root = roots.length === 1 ? (roots[0] ?? {}) : roots.reduce(mergeOver, {});
  measure(root);
  const services = servicesOf(root);
  const isEmpty = Object.keys(services).length === 0 && root['include'] === undefined;
  if (isEmpty) throw invalid('services: there is none');
  if (roots.length === 1) return { root, services };
  return { root, services, layers: roots.map((layer) => ({ root: layer, services: servicesOf(layer) })) };
}

/**
 * Any YAML mapping under the same limits; what it throws calls it a compose file. With `keepsDigits` a number that would
 * be written differently again (`0644`, `1.10`) is the text it was.
 */
export function parseYamlMap(text: string, { keepsDigits = false } = {}): ComposeMap {
  const [root = {}, second] = parseRoots(text, keepsDigits);
  if (second) throw invalid('more than one document');
  return root;
}

function parseRoots(text: string, keepsDigits = false): ComposeMap[] {
  if (Buffer.byteLength(text) > COMPOSE_LIMITS.bytes) throw limit(`more than ${COMPOSE_LIMITS.bytes / 1024} KiB`);
  const documents = readYaml(text, COMPOSE_LIMITS);
  if (documents.length === 0) throw invalid('the file is not a mapping');
  return documents.map((document) => {
    if (keepsDigits) visit(document, { Scalar: keepDigits });
    const root = toPlain(document);
    if (!isMap(root)) throw invalid('the file is not a mapping');
    measure(root);
    return root;
  });
}

/** Roughly as Compose does: maps are joined, lists too, and of two values the later one counts. */
function mergeOver(below: ComposeMap, above: ComposeMap): ComposeMap {
  const merged = new Map(Object.entries(below)); // of a plain object `__proto__` would be no key
  for (const [key, value] of Object.entries(above)) {
    const old = merged.get(key);
    if (isMap(old) && isMap(value)) merged.set(key, mergeOver(old, value));
    else merged.set(key, Array.isArray(old) && Array.isArray(value) ? [...(old as unknown[]), ...value] : value);
  }
  return Object.fromEntries(merged);
}

function keepDigits(_: unknown, scalar: Scalar): void {
  const { value, source } = scalar;
  if (typeof value === 'number' && source !== undefined && source !== String(value)) scalar.value = source;
}

function toPlain(document: Document.Parsed): unknown {
  return guard(() => document.toJS({ maxAliasCount: COMPOSE_LIMITS.expansion }));
}

/** Depth and size as they are after expansion, without descending into what is shared more than it must. */
function measure(root: ComposeMap): void {
  let nodes = 0;
  const walk = (value: unknown, depth: number): void => {
    if (depth > COMPOSE_LIMITS.depth) throw limit(`nested deeper than ${COMPOSE_LIMITS.depth}`);
    if (++nodes > COMPOSE_LIMITS.nodes) throw limit(`more than ${COMPOSE_LIMITS.nodes} values`);
    if (typeof value !== 'object' || value === null) return;
    for (const child of Object.values(value)) walk(child, depth + 1);
  };
  walk(root, 0);
}

function servicesOf(root: ComposeMap): Record<string, ComposeMap> {
  const services = root['services'] ?? {};
  if (!isMap(services)) throw invalid('services: not a mapping');
  const names = Object.keys(services);
  if (names.length > COMPOSE_LIMITS.services) throw limit(`more than ${COMPOSE_LIMITS.services} services`);
  const broken = names.find((name) => !isMap(services[name]));
  if (broken !== undefined) throw invalid(`services.${broken}: not a mapping`);
  return services as Record<string, ComposeMap>;
}
