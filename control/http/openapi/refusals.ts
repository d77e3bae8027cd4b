// What an operation may refuse with: an answer for each status, with an example of every code that has it.
import { ERRORS, type ErrorCode } from '#shared/errors.ts';
import { JSON_TYPE, type Answer, type Operation, type Parameter } from './document.ts';

export const ERROR_SCHEMA = { $ref: '#/components/schemas/Error' };

const integer = { type: 'integer' };
export const HEADERS = {
  'X-RateLimit-Limit': { description: 'Requests a minute', schema: integer, example: 120 },
  'X-RateLimit-Remaining': { description: 'Requests left in this minute', schema: integer, example: 115 },
  'X-RateLimit-Reset': { description: 'When the minute is over: Unix time', schema: integer, example: 1711720800 },
  'Retry-After': { description: 'Seconds after which to try again', schema: integer, example: 30 },
};
const refTo = (name: keyof typeof HEADERS) => ({ [name]: { $ref: `#/components/headers/${name}` } });
export const RATE_HEADERS = {
  ...refTo('X-RateLimit-Limit'),
  ...refTo('X-RateLimit-Remaining'),
  ...refTo('X-RateLimit-Reset'),
};

export const isWrite = (method: string): boolean => method !== 'get';

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

export function addRefusals(method: string, operation: Operation): void {
  operation.responses['default'] = { $ref: '#/components/responses/Refused' };
  for (const status of refusalsOf(method, operation))
    operation.responses[status] ??= { $ref: `#/components/responses/${REFUSALS[status]}` };
}

const answerOf = (code: ErrorCode): string => REFUSALS[ERRORS[code].status as Refusal] ?? 'Refused';

/** One answer for each status, with an example of every code that has it; `Refused` has the rest. */
export function refusalAnswers(): Record<string, Answer> {
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

/** As the panel API prints them. */
const DOCUMENTED_ERRORS: Partial<Record<ErrorCode, object>> = {
  not_found: { message: 'Service not found', details: 'No service with ID svc_xyz789 exists' },
  validation_error: { fields: { name: 'Service name is required', plan_id: 'Invalid plan ID' } },
};

const toErrorExample = (code: ErrorCode) => ({
  error: {
    code,
    message: ERRORS[code].message,
    ...DOCUMENTED_ERRORS[code],
    request_id: 'req_Qm9vLWRvbmUtMDAwMQ',
  },
});
