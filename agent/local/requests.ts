// One request on the socket of the host, from its line to its answer. Loaded at the first one: most agents never get any.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as z from 'zod';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import {
  latestQuery,
  localEvents,
  localJobDetail,
  localJobs,
  localServices,
  localStatus,
  logsQuery,
  noQuery,
  waitQuery,
  type LocalStatus,
} from '#shared/local.ts';
import type { Logger } from '#shared/log.ts';
import type { LocalDesk } from './desk.ts';
import { replyWithLogs, type StreamLogs } from './log-reply.ts';
import { routeOf, type Route } from './routes.ts';

export interface RequestDeps {
  desk: LocalDesk;
  describeStatus: () => Promise<LocalStatus>;
  streamLogs: StreamLogs;
  log: Logger;
}

/** Lines from the end where neither their number nor a beginning is asked for. */
const USUAL_TAIL = 100;

interface Answer {
  status: 200 | 202;
  body: unknown;
}

/** Never rejects. `signal` aborts when the reader has gone or the agent stops. */
export async function answerRequest(
  deps: RequestDeps,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    requireNoBody(request);
    const url = urlOf(request);
    const route = routeOf(request.method ?? '', url.pathname);
    if (route.name === 'logs')
      return await replyWithLogs(deps.streamLogs, logsAsked(deps, route.service, url), response, signal);
    const { status, body } = await answer(deps, route, url, signal);
    send(response, status, body);
  } catch (thrown) {
    if (!signal.aborted) fail(deps.log, response, toLongshoreError(thrown));
  }
}

async function answer(
  { desk, describeStatus }: RequestDeps,
  route: Exclude<Route, { name: 'logs' }>,
  url: URL,
  signal: AbortSignal,
): Promise<Answer> {
  if (route.name === 'act') {
    const { wait } = read(waitQuery(), url); // before anything is begun
    return job(desk, desk.act(route.service, route.verb).id, wait, signal);
  }
  if (route.name === 'job') return job(desk, route.id, read(waitQuery(), url).wait, signal);
  if (route.name === 'jobs') return ok(localJobs(), { data: desk.jobs(read(latestQuery(), url).limit) });
  if (route.name === 'events') return ok(localEvents(), { data: desk.events(read(latestQuery(), url).limit) });
  read(noQuery(), url);
  if (route.name === 'services') return ok(localServices(), await desk.services());
  return ok(localStatus(), await describeStatus());
}

/** 200 once it has ended, whichever way; 202 while it goes on. */
async function job(desk: LocalDesk, id: string, waitS: number, signal: AbortSignal): Promise<Answer> {
  const found = await desk.awaitJob(id, waitS * 1000, signal);
  return { ...ok(localJobDetail(), found), status: found.finished_at === null ? 202 : 200 };
}

const ok = <T>(schema: z.ZodType<T>, body: T): Answer => ({ status: 200, body: schema.parse(body) });

function logsAsked({ desk }: RequestDeps, service: string, url: URL) {
  const { tail, since = null, follow } = read(logsQuery(), url);
  return {
    serviceId: desk.requireId(service),
    tail: tail ?? (since === null ? USUAL_TAIL : null),
    since,
    follow: follow === 'true',
  };
}

function read<T>(schema: z.ZodType<T>, url: URL): T {
  const parsed = schema.safeParse(Object.fromEntries(url.searchParams));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => [path.join('.') || 'query', message]);
  throw new LongshoreError('invalid_query', { fields: Object.fromEntries(fields) as Record<string, string> });
}

/** What is no path is no path of ours. */
function urlOf({ url = '' }: IncomingMessage): URL {
  const parsed = URL.parse(url, 'http://agent');
  if (parsed) return parsed;
  throw new LongshoreError('not_found');
}

/** All there is to say fits into the line: what would have to be read is refused unread. */
function requireNoBody({ headers }: IncomingMessage): void {
  const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (!isEmpty) throw new LongshoreError('payload_too_large', { message: 'No body is expected' });
}

function fail(log: Logger, response: ServerResponse, error: LongshoreError): void {
  if (error.status >= 500) log.error({ err: error }, 'a local request failed');
  if (response.headersSent) response.destroy();
  else send(response, error.status, { error: error.toWire() });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isRefusal = status >= 400; // what came with it may lie unread on the connection
  response.writeHead(status, { 'content-type': 'application/json', ...(isRefusal && { connection: 'close' }) });
  response.end(`${JSON.stringify(body)}\n`);
}
