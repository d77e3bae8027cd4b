// Puts every write into the audit log: the routes state nothing, the hooks see them all. What a route is called there
// follows from its path and method, unless its config says otherwise.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '#shared/errors.ts';
import type { Audit, AuditedAct, AuditOutcome } from '../app/api/audit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The name in the audit log; on a GET it says that the route changes something and is to be logged. */
    action?: string;
  }
  interface FastifyRequest {
    /** What the request is in the audit log; null for a read. */
    act: AuditedAct | null;
    /** Why it was refused; set by errors.ts. */
    refusal: ErrorCode | null;
  }
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
/** Ids and template names. A secret that was mistaken for an id begins with `lsk_`, `lst_` or `lsj_`. */
const TARGET = /^(?!ls[a-z]_)[a-z0-9][\w.-]{0,63}$/i;
const MAX_FIELDS = 50;

/** Must come after whatever finds the caller, and before the routes. */
export function auditWrites(http: FastifyInstance, audit: Audit): void {
  http.decorateRequest('act', null);
  http.decorateRequest('refusal', null);
  http.addHook('onRequest', (request, _reply, done) => {
    request.act = toAct(request);
    done();
  });
  // The body has been read by now: its arrival would lose the async context.
  http.addHook('preHandler', (request, _reply, done) => {
    if (!request.act) return done();
    request.act.fields = fieldsOf(request.body);
    audit.during(request.act, done);
  });
  http.addHook('onSend', async (request, reply) => {
    if (request.act) await audit.finish(request.act, toOutcome(request, reply));
  });
}

/** For routes whose paths hold another name than the id. */
export function auditTarget(request: FastifyRequest, id: string): void {
  if (request.act) request.act.targetId = id;
}

/** Paths that are not there change nothing and have no name. */
function toAct(request: FastifyRequest): AuditedAct | null {
  const { url: path = '', config } = request.routeOptions;
  if (request.is404 || (SAFE_METHODS.includes(request.method) && config.action === undefined)) return null;
  return {
    caller: request.caller,
    action: config.action ?? toAction(request.method, path),
    targetId: targetOf(request),
    fields: [],
    method: request.method,
    path,
    address: request.ip,
    requestId: request.id,
    userAgent: request.headers['user-agent'] ?? null,
  };
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'delete' };

/**
 * `POST /api/services` → `services.create`, `POST /api/services/:id/start` → `services.start`,
 * `DELETE /api/auth/api-keys/:id` → `auth.api_keys.delete`.
 */
export function toAction(method: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'api');
  const names = parts.filter((part) => !part.startsWith(':')).map((part) => part.replaceAll('-', '_'));
  const isVerb = method === 'POST' && parts.at(-2)?.startsWith(':');
  return [...names, ...(isVerb ? [] : [VERBS[method] ?? method.toLowerCase()])].join('.');
}

function targetOf({ params }: FastifyRequest): string | null {
  const { id } = (params ?? {}) as { id?: string };
  return id !== undefined && TARGET.test(id) ? id : null;
}

/** Of a body that fits its schema, so these are names of ours. */
const fieldsOf = (body: unknown): string[] =>
  typeof body === 'object' && body !== null ? Object.keys(body).toSorted().slice(0, MAX_FIELDS) : [];

function toOutcome(request: FastifyRequest, reply: FastifyReply): AuditOutcome {
  const { statusCode: status } = reply;
  const isReplay = reply.hasHeader('idempotency-replayed');
  const result = isReplay ? 'replayed' : status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed';
  return { result, status, code: request.refusal };
}
