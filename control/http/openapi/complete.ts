// What the routes' schemas do not say by themselves: which errors each operation can answer with (refusals.ts), its
// headers, an example of each body (examples.ts), a name for clients made from the document. Pure: a document in, a
// document out.
import { addExamples } from './examples.ts';
import { operationsOf, type OpenApi, type Operation, type Parameter } from './document.ts';
import { addRefusals, HEADERS, isWrite, RATE_HEADERS, refusalAnswers } from './refusals.ts';
import { TAGS } from './tags.ts';
import { WEBHOOKS } from './webhooks.ts';

const IDEMPOTENCY_KEY: Parameter = { $ref: '#/components/parameters/IdempotencyKey' };

export function completeDocument(document: OpenApi): OpenApi {
  const complete = withoutBounds(structuredClone(document));
  dropUnused(complete);
  complete.paths = inOrder(complete.paths);
  complete.components.parameters = { IdempotencyKey: IDEMPOTENCY_PARAMETER };
  complete.components.headers = HEADERS;
  complete.components.responses = refusalAnswers();
  complete.tags = TAGS;
  complete.webhooks = structuredClone(WEBHOOKS);
  for (const { method, path, operation } of operationsOf(complete)) {
    operation.operationId = toOperationId(method, path);
    describeParameters(method, path, operation);
    describeAnswers(operation);
    addRefusals(method, operation);
    addExamples(complete, operation);
  }
  for (const { post } of Object.values(complete.webhooks)) if (post) addExamples(complete, post);
  return complete;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** By path and method, so that moving a route in the code changes nothing here. */
const inOrder = (paths: OpenApi['paths']): OpenApi['paths'] =>
  Object.fromEntries(
    Object.entries(paths)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, methods]) => [path, Object.fromEntries(Object.entries(methods).toSorted(byMethod))]),
  );

const byMethod = ([a]: [string, unknown], [b]: [string, unknown]): number => METHODS.indexOf(a) - METHODS.indexOf(b);

const IDEMPOTENCY_PARAMETER: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key and request have one effect and the same answer for 24 hours; another request gets 409',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  example: 'deploy-2026-03-29-1',
};

/** `get /api/services/{id}/events` → `getServicesIdEvents`. */
const toOperationId = (method: string, path: string): string =>
  method +
  path
    .replace(/^\/api/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function describeParameters(method: string, path: string, operation: Operation): void {
  const { parameters = [] } = operation;
  for (const parameter of parameters) {
    if (parameter.in === 'path') parameter.description ??= describeGap(path, parameter.name ?? '');
    if (parameter.name === 'sort') parameter.description ??= 'What to sort by';
  }
  if (isWrite(method) && operation['x-permission'] !== 'public') parameters.push(IDEMPOTENCY_KEY);
  if (parameters.length > 0) operation.parameters = parameters;
}

/** `/api/services/{id}/events` → "An id that GET /api/services lists". */
const describeGap = (path: string, name: string): string =>
  `An id that GET ${path.slice(0, path.indexOf(`/{${name}}`))} lists`;

const DONE: Record<string, string> = {
  101: 'The socket is open',
  200: 'Done',
  201: 'Created',
  202: 'Accepted: the work goes on',
  204: 'Done; there is nothing to show',
  302: 'Go on there',
};

function describeAnswers({ responses }: Operation): void {
  for (const [status, answer] of Object.entries(responses)) {
    answer.headers = RATE_HEADERS;
    if (answer.description === 'Default Response') answer.description = DONE[status] ?? 'Done';
  }
}

/** The generator writes each schema twice, as read and as written; only what is referred to stays. */
function dropUnused(document: OpenApi): void {
  const { schemas } = document.components;
  let used = refsIn(document.paths);
  for (let size = -1; size !== used.size; ) {
    size = used.size;
    used = new Set([...used, ...[...used].flatMap((name) => [...refsIn(schemas[name])])]);
  }
  used.add('Error');
  document.components.schemas = Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => used.has(name))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const refsIn = (part: unknown): Set<string> =>
  new Set(
    [...(JSON.stringify(part) ?? '').matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name),
  );

/** `z.int()` prints the bounds of a double; no field of ours means them. */
function withoutBounds<T>(part: T): T {
  if (typeof part !== 'object' || part === null) return part;
  const own = part as Record<string, unknown>;
  if (own['minimum'] === Number.MIN_SAFE_INTEGER) delete own['minimum'];
  if (own['maximum'] === Number.MAX_SAFE_INTEGER) delete own['maximum'];
  Object.values(own).forEach(withoutBounds);
  return part;
}
