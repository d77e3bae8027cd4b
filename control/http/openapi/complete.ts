// What the routes' schemas do not say by themselves: which errors each operation can answer with, its headers, an
// example of each body, a name for clients made from the document. Pure: a document in, a document out.
import { ERRORS, type ErrorCode } from '#shared/errors.ts';
import { exampleOf } from './examples.ts';
import { JSON_TYPE, operationsOf, type Answer, type OpenApi, type Operation, type Parameter } from './document.ts';

const ERROR_SCHEMA = { $ref: '#/components/schemas/Error' };
const IDEMPOTENCY_KEY: Parameter = { $ref: '#/components/parameters/IdempotencyKey' };

export function completeDocument(document: OpenApi): OpenApi {
  const complete = withoutBounds(structuredClone(document));
  dropUnused(complete);
  complete.components.parameters = { IdempotencyKey: IDEMPOTENCY_PARAMETER };
  complete.components.headers = HEADERS;
  complete.components.responses = refusalAnswers();
  for (const { method, path, operation } of operationsOf(complete)) {
    operation.operationId = toOperationId(method, path);
    describeParameters(method, operation);
    addRefusals(method, operation);
    addExamples(complete, operation);
  }
  return complete;
}

const IDEMPOTENCY_PARAMETER: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key and request have one effect and the same answer for 24 hours; another request gets 409.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  example: 'deploy-2026-03-29-1',
};

const integer = { type: 'integer' };
const HEADERS = {
  'X-RateLimit-Limit': { description: 'Requests a minute', schema: integer, example: 120 },
  'X-RateLimit-Remaining': { description: 'Requests left in this minute', schema: integer, example: 115 },
  'X-RateLimit-Reset': { description: 'When the minute is over: Unix time', schema: integer, example: 1711720800 },
  'Retry-After': { description: 'Seconds after which to try again', schema: integer, example: 30 },
};
const refTo = (name: keyof typeof HEADERS) => ({ [name]: { $ref: `#/components/headers/${name}` } });
const RATE_HEADERS = {
  ...refTo('X-RateLimit-Limit'),
  ...refTo('X-RateLimit-Remaining'),
  ...refTo('X-RateLimit-Reset'),
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

const isWrite = (method: string): boolean => method !== 'get';

function describeParameters(method: string, operation: Operation): void {
  const { parameters = [] } = operation;
  if (isWrite(method) && operation['x-permission'] !== 'public') parameters.push(IDEMPOTENCY_KEY);
  if (parameters.length > 0) operation.parameters = parameters;
}

/** The statuses an operation may refuse with, by what it takes. */
function refusalsOf(method: string, { parameters = [], requestBody, ...operation }: Operation): Refusal[] {
  const takes = (place: Parameter['in']) => parameters.some((parameter) => parameter.in === place);
  const isOpen = operation['x-permission'] === 'public';
  return [
    ...(takes('query') || requestBody ? ([400] as const) : []),
    ...(isOpen ? [] : ([401, 403] as const)),
    ...(takes('path') ? ([404] as const) : []),
    ...(isWrite(method) && !isOpen ? ([409] as const) : []),
    ...(requestBody ? ([413, 415, 422] as const) : []),
    ...(isOpen ? [] : ([429] as const)),
    500,
  ];
}

const REFUSALS = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  422: 'UnprocessableEntity',
  429: 'TooManyRequests',
  500: 'InternalServerError',
} as const;
type Refusal = keyof typeof REFUSALS;

const DONE: Record<string, string> = {
  101: 'The socket is open',
  200: 'Done',
  201: 'Created',
  202: 'Accepted: the work goes on',
  204: 'Done; there is nothing to show',
  302: 'Go on there',
};

function addRefusals(method: string, operation: Operation): void {
  for (const [status, answer] of Object.entries(operation.responses)) {
    answer.headers = RATE_HEADERS;
    if (answer.description === 'Default Response') answer.description = DONE[status] ?? 'Done';
  }
  operation.responses['default'] = { $ref: '#/components/responses/Refused' };
  for (const status of refusalsOf(method, operation))
    operation.responses[status] ??= { $ref: `#/components/responses/${REFUSALS[status]}` };
}

const answerOf = (code: ErrorCode): string => REFUSALS[ERRORS[code].status as Refusal] ?? 'Refused';

/** One answer for each status, with an example of every code that has it; `Refused` has the rest. */
function refusalAnswers(): Record<string, Answer> {
  const byName = Map.groupBy(Object.keys(ERRORS) as ErrorCode[], answerOf);
  return Object.fromEntries([...byName].map(([name, codes]): [string, Answer] => [name, toRefusal(codes)]));
}

function toRefusal(codes: ErrorCode[]): Answer {
  const examples = codes.map((code) => [code, { value: toErrorExample(code) }]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join('; '),
    headers: { ...RATE_HEADERS, ...(codes.some((code) => ERRORS[code].retryable) && refTo('Retry-After')) },
    content: {
      [JSON_TYPE]: {
        schema: ERROR_SCHEMA,
        examples: Object.fromEntries(examples) as Record<string, { value: unknown }>,
      },
    },
  };
}

const toErrorExample = (code: ErrorCode) => ({
  error: {
    code,
    message: ERRORS[code].message,
    ...(code === 'validation_error' && { fields: { name: 'Service name is required', plan_id: 'Invalid plan ID' } }),
    request_id: 'req_Qm9vLWRvbmUtMDAwMQ',
  },
});

function addExamples(document: OpenApi, { requestBody, responses }: Operation): void {
  const contents = [requestBody?.content, ...Object.values(responses).map((answer) => answer.content)];
  for (const content of contents) {
    const media = content?.[JSON_TYPE];
    if (media?.schema && media.schema.$ref !== ERROR_SCHEMA.$ref) media.example ??= exampleOf(document, media.schema);
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
