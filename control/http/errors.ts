// The one place where a failure becomes an answer: `{"error":{code,message,details?,fields?,request_id}}`.
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LongshoreError, toLongshoreError, type ErrorCode } from '#shared/errors.ts';
import { newRequestId } from '#shared/ids.ts';

/** Said to a client when the thrower knows no better: long enough to help, short enough to notice recovery. */
const RETRY_AFTER_S = 5;

/** What Fastify itself throws. Anything else with a 4xx status is a `bad_request`. */
const FRAMEWORK_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

export const errorView = z
  .object({
    error: z.object({
      code: z.string().meta({ example: 'not_found' }),
      message: z.string(),
      details: z.string().optional(),
      fields: z.record(z.string(), z.string()).optional(),
      request_id: z.string(),
    }),
  })
  .meta({ id: 'Error' });

/** Status and body of a failure: our own, or those that the clients of a dialect know. */
export type WordError = (error: LongshoreError, requestId: string) => { status: number; body: unknown };
export type AnswerError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** What makes an answer of a failure, in the given words. */
export function answerErrorsAs(word: WordError): AnswerError {
  return async (thrown, request, reply) => {
    const error = fromThrown(thrown, request);
    if (error.status >= 500 && error.code !== 'unavailable' && error.code !== 'not_supported')
      request.log.error({ err: error, request_id: request.id, path: pathOf(request) }, 'a request failed');
    request.refusal = error.code;
    reply.header('x-request-id', request.id); // a broken URL comes here past all hooks
    if (error.status === 401) reply.header('www-authenticate', 'Bearer');
    if (error.retryable) reply.header('retry-after', error.retryAfter ?? RETRY_AFTER_S);
    const { status, body } = word(error, request.id);
    return reply.code(status).send(body);
  };
}

export const answerError: AnswerError = answerErrorsAs((error, requestId) => ({
  status: error.status,
  body: toErrorView(error, requestId),
}));

const toErrorView = (error: LongshoreError, requestId: string): z.infer<typeof errorView> => ({
  error: { ...error.toWire(), request_id: requestId },
});

export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] as string;

function fromThrown(thrown: unknown, request: FastifyRequest): LongshoreError {
  if (thrown instanceof LongshoreError) return thrown;
  if (hasZodFastifySchemaValidationErrors(thrown)) return fromInvalid(thrown, request);
  const { code = '', statusCode = 500, message } = thrown as Partial<FastifyError>;
  const known = FRAMEWORK_CODES[code];
  if (known) return new LongshoreError(known, { cause: thrown });
  if (statusCode >= 400 && statusCode < 500)
    return new LongshoreError('bad_request', { ...(message && { details: message }), cause: thrown });
  return toLongshoreError(thrown);
}

type Invalid = Pick<FastifyError, 'validation' | 'validationContext'>;

function fromInvalid({ validation = [], validationContext }: Invalid, request: FastifyRequest): LongshoreError {
  if (validationContext === 'params') return new LongshoreError('not_found');
  if (validationContext === 'body' && (request.body === undefined || request.body === null))
    return new LongshoreError('invalid_json', { details: 'The body is empty' });
  const fields = Object.fromEntries(validation.flatMap(toFields));
  return new LongshoreError(validationContext === 'querystring' ? 'invalid_query' : 'validation_error', { fields });
}

type Issue = NonNullable<FastifyError['validation']>[number];

/** `/placement/labels` → `placement.labels`; a field we do not know is named itself, not its parent. */
function toFields({ keyword, instancePath, message = 'Not valid', params }: Issue): [string, string][] {
  const path = instancePath.slice(1).replaceAll('/', '.');
  if (keyword !== 'unrecognized_keys') return [[path === '' ? 'body' : path, message]];
  const unknown = (params['keys'] as string[] | undefined) ?? [];
  return unknown.map((key) => [path === '' ? key : `${path}.${key}`, 'Unknown field']);
}

/** For bytes that are no HTTP: there is no request yet, so the answer is written by hand and the connection ends. */
export function answerBrokenHttp(cause: Error & { code?: string }, socket: Socket): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const id = newRequestId();
  const body = JSON.stringify(toErrorView(new LongshoreError('bad_request', { cause }), id));
  const head = ['HTTP/1.1 400 Bad Request', 'Connection: close', 'Content-Type: application/json; charset=utf-8'];
  head.push(`Content-Length: ${Buffer.byteLength(body)}`, `X-Request-Id: ${id}`);
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
