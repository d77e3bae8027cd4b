// From YAML text to documents, within limits of aliases and brackets. Where the library keeps to the letter of YAML 1.2
// and Compose's parser does not, the text is mended first, so that what Compose takes is taken here.
import {
  type Document,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { LongshoreError } from '../errors.ts';

type YamlDocument = Document.Parsed;

/** Well above the depth that counts: brackets within a long text value may be unbalanced without nesting anything. */
const FLOW_LIMIT = 1_000;
/** Places that are mended in one text, and the text read again for each of them: 50 in a usual file, 4 in the largest. */
const MENDS = { places: 50, bytes: 1024 * 1024 } as const;

/** Fails with `yaml_resource_limit` or `compose_invalid`; details say where (line:column) and what. */
export function readYaml(text: string, limits: { aliases: number }): YamlDocument[] {
  rejectDeepFlow(text);
  const lineCounter = new LineCounter();
  const documents = parseMended(text.replace(LONE_RETURN, '\n'), lineCounter);
  let aliases = 0;
  const visitor = {
    Alias: () => void aliases++,
    Map: (_: unknown, map: YAMLMap) => requireUniqueKeys(map, lineCounter),
  };
  const tags = { Value: (_: unknown, node: Tagged) => requirePlainTag(node, lineCounter) };
  guard(() => {
    for (const document of documents) {
      visit(document, visitor);
      visit(document, tags);
    }
  });
  if (aliases > limits.aliases) throw limit(`more than ${limits.aliases} aliases`);
  return documents;
}

/** A line end to Compose, and a letter to the library. */
const LONE_RETURN = /\r(?!\n)/g;

function parseMended(text: string, lineCounter: LineCounter): YamlDocument[] {
  const rounds = Math.min(MENDS.places, Math.floor(MENDS.bytes / (text.length + 1)));
  let mended = text;
  let fault: LongshoreError | undefined;
  for (let round = 0, last = -1; ; round++) {
    lineCounter.lineStarts.length = 0;
    // `uniqueKeys` of the library compares each key with all before it: seconds for a map of 10 000.
    const parsed = guard(() => parseAllDocuments(mended, { merge: true, uniqueKeys: false, lineCounter }));
    const documents = 'empty' in parsed ? [] : parsed;
    const [error] = documents.flatMap(({ errors }) => errors);
    if (!error) return documents;
    fault ??= faultOf(error, lineCounter);
    const mend = mendFor(error, mended);
    if (!mend || mend.at === last || round === rounds) throw fault;
    mended = mended.slice(0, mend.at) + mend.insert + mended.slice(mend.at);
    last = mend.at;
  }
}

/** Deeper than whatever the brackets or quotes belong to. */
const INDENT = ' '.repeat(40);

/**
 * What makes the library accept what Compose accepts at this place: within brackets and quotes indentation means nothing
 * to Compose, and a comment may follow a quote at once. The library tells these cases by its words alone.
 */
function mendFor({ message, pos: [at] }: YAMLError, text: string): { at: number; insert: string } | undefined {
  if (message.startsWith('Comments must be separated')) return { at, insert: ' ' };
  if (/^Flow \w+ in block collection must be/.test(message))
    return { at: text.lastIndexOf('\n', at - 1) + 1, insert: INDENT };
  const next = text.indexOf('\n', at) + 1;
  return message.startsWith('Missing closing') && next > 0 ? { at: next, insert: INDENT } : undefined;
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

type Tagged = Scalar | YAMLMap | YAMLSeq;

/** YAML's own tags that mean the same to everybody. Compose decodes `!!binary`, in keys as well; what is local is ignored, unless it is one of YAML's own in disguise (`!<!!binary>`). */
const PLAIN_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|merge|timestamp)$|^!(?!!)/;

function requirePlainTag({ tag, range }: Tagged, lineCounter: LineCounter): void {
  if (tag === undefined || PLAIN_TAG.test(tag)) return;
  const { line, col } = lineCounter.linePos(range?.[0] ?? 0);
  throw invalid(`${line}:${col}: the tag "${tag}" is not taken`);
}

/** The parser recurses: nesting that exhausts the stack, and aliases that multiply, end here. */
export function guard<T>(work: () => T): T {
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

function faultOf(error: YAMLError, lineCounter: LineCounter): LongshoreError {
  if (error.code === 'RESOURCE_EXHAUSTION') return limit('nested too deeply', error);
  const { line, col } = lineCounter.linePos(error.pos[0]);
  const what = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
  return invalid(`${line}:${col}: ${what}`);
}

export const limit = (details: string, cause?: unknown) =>
  new LongshoreError('yaml_resource_limit', { details, cause });
export const invalid = (details: string, cause?: unknown) => new LongshoreError('compose_invalid', { details, cause });
