// Reads a compose file's YAML within limits, before Compose sees it: Compose itself can be kept busy for minutes by a
// few hundred bytes of nested aliases. Pure; used by control at POST and by the agent. What the keys mean is checked
// by `docker compose config`, what they may ask for by policy.ts.
import {
  type Document,
  isScalar,
  LineCounter,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { LongshoreError } from '../errors.ts';
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
}

/** Fails with `yaml_resource_limit` or `compose_invalid`; details say where (line:column) and what. */
export function parseCompose(text: string): ComposeDocument {
  const root = parseYamlMap(text);
  return { root, services: servicesOf(root) };
}

/**
 * Any YAML mapping under the same limits; what it throws calls it a compose file. With `keepsDigits` a number that would
 * be written differently again (`0644`, `1.10`) is the text it was.
 */
export function parseYamlMap(text: string, { keepsDigits = false } = {}): ComposeMap {
  if (Buffer.byteLength(text) > COMPOSE_LIMITS.bytes) throw limit(`more than ${COMPOSE_LIMITS.bytes / 1024} KiB`);
  const document = parseYaml(text);
  if (keepsDigits) visit(document, { Scalar: keepDigits });
  const root = toPlain(document);
  if (!isMap(root)) throw invalid('the file is not a mapping');
  measure(root);
  return root;
}

function parseYaml(text: string): Document.Parsed {
  rejectDeepFlow(text);
  const lineCounter = new LineCounter();
  // `uniqueKeys` of the library compares each key with all before it: seconds for a map of 10 000.
  const document = guard(() => parseDocument(text, { merge: true, uniqueKeys: false, lineCounter }));
  const [error] = document.errors;
  if (error) throw error.code === 'RESOURCE_EXHAUSTION' ? limit('nested too deeply', error) : invalid(describe(error));
  let aliases = 0;
  const visitor = {
    Alias: () => void aliases++,
    Map: (_: unknown, map: YAMLMap) => requireUniqueKeys(map, lineCounter),
  };
  guard(() => visit(document, visitor));
  if (aliases > COMPOSE_LIMITS.aliases) throw limit(`more than ${COMPOSE_LIMITS.aliases} aliases`);
  return document;
}

function requireUniqueKeys(map: YAMLMap, lineCounter: LineCounter): void {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key) || key.value === '<<') continue;
    if (!seen.has(key.value)) seen.add(key.value);
    else {
      const { line, col } = lineCounter.linePos(key.range?.[0] ?? 0);
      throw invalid(`${line}:${col}: "${String(key.value)}" is there twice`);
    }
  }
}

function keepDigits(_: unknown, scalar: Scalar): void {
  const { value, source } = scalar;
  if (typeof value === 'number' && source !== undefined && source !== String(value)) scalar.value = source;
}

function toPlain(document: Document.Parsed): unknown {
  return guard(() => document.toJS({ maxAliasCount: COMPOSE_LIMITS.expansion }));
}

/** The parser recurses: nesting that exhausts the stack, and aliases that multiply, end here. */
function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LongshoreError) throw error;
    if (error instanceof RangeError) throw limit('nested too deeply', error);
    if (error instanceof ReferenceError && /alias count/.test(error.message)) throw limit('aliases multiply', error);
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
}

/** Brackets are the one thing whose parsing takes time in the square of its depth. Quoted ones are counted too. */
function rejectDeepFlow(text: string): void {
  let open = 0;
  for (const char of text) {
    if (char === '[' || char === '{') open++;
    else if ((char === ']' || char === '}') && open > 0) open--;
    else if (char === '\n' && open > FLOW_LIMIT) break;
    if (open > FLOW_LIMIT) throw limit('nested too deeply');
  }
}

/** Well above `depth`: brackets within a long text value may be unbalanced without nesting anything. */
const FLOW_LIMIT = 1_000;

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
  if (names.length === 0 && root['include'] === undefined) throw invalid('services: there is none');
  if (names.length > COMPOSE_LIMITS.services) throw limit(`more than ${COMPOSE_LIMITS.services} services`);
  const broken = names.find((name) => !isMap(services[name]));
  if (broken !== undefined) throw invalid(`services.${broken}: not a mapping`);
  return services as Record<string, ComposeMap>;
}

const describe = ({ linePos, message }: YAMLError): string => {
  const [start] = linePos ?? [];
  const what = message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
  return start ? `${start.line}:${start.col}: ${what}` : what;
};

const limit = (details: string, cause?: unknown) => new LongshoreError('yaml_resource_limit', { details, cause });
const invalid = (details: string, cause?: unknown) => new LongshoreError('compose_invalid', { details, cause });
