// What is upgraded to a WebSocket: news, a service's log, and agents. The guard has run by then, as for any route; a
// refusal is an ordinary answer before the handshake.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { DEFAULT_LOG_TAIL, MAX_LOG_TAIL, recentLogs } from '../../app/logs.ts';
import type { ClientSockets } from '../../realtime/client-sockets.ts';
import type { Hub } from '../../realtime/hub.ts';
import { serveLogSocket } from '../../realtime/log-socket.ts';
import { callerOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';

const logQuery = z.strictObject({
  tail: z.coerce.number().int().min(0).max(MAX_LOG_TAIL).default(DEFAULT_LOG_TAIL).describe('Lines from the end'),
  since: z.iso.datetime({ offset: true }).optional().describe('Only lines from this instant on, RFC 3339'),
  follow: z.stringbool().default(false).describe('Lines as they come; needs a WebSocket'),
  batch: z.stringbool().default(false).describe('For a WebSocket: each message is an array of entries'),
});
const logsView = z
  .object({
    logs: z.array(
      z.object({
        timestamp: z.string(),
        stream: z.enum(['stdout', 'stderr']),
        message: z.string(),
        container: z.string(),
      }),
    ),
  })
  .meta({
    id: 'Logs',
    example: {
      logs: [
        {
          timestamp: '2026-03-29T14:30:00Z',
          stream: 'stdout',
          message: 'Server started on port 3001',
          container: 'my-app-web-1',
        },
        {
          timestamp: '2026-03-29T14:30:01Z',
          stream: 'stdout',
          message: 'Health check endpoint ready',
          container: 'my-app-web-1',
        },
      ],
    },
  });

/** For what is reached without a WebSocket and needs one. */
export function requireUpgrade(): never {
  throw new LongshoreError('bad_request', { message: 'Connect here with a WebSocket' });
}

export function mountLive(http: Http, deps: HttpDeps, sockets: ClientSockets, hub: Hub): void {
  http.route({
    method: 'GET',
    url: '/api/ws',
    config: { permission: 'authenticated', takesUpgrade: true },
    schema: {
      tags: ['live'],
      summary: 'WebSocket: news as they happen',
      description:
        'Messages are JSON with `type` and `timestamp`: `deploy.progress`, `service.status`, `health.changed`, ' +
        '`backup.progress`, `host.status`, and `service.logs` for those who subscribe by ' +
        '`{"type":"subscribe","types":["service.logs"],"service_ids":["svc_abc123"]}`; `service.stats` likewise. A page that cannot set headers ' +
        'connects with `?ticket=` of POST /api/auth/tickets, or with `?api_key=`. docs/api.md lists the fields.',
      response: { 101: z.null() },
    },
    preHandler: async (request) => {
      if (request.ws) sockets.admit(callerOf(request));
    },
    handler: requireUpgrade,
    wsHandler: (socket, request) => {
      const caller = callerOf(request);
      if (sockets.adopt(socket, caller)) hub.accept(socket, request.socket, caller);
    },
  });

  http.route({
    method: 'GET',
    url: '/api/services/:id/logs',
    config: { permission: 'services.logs', takesUpgrade: true },
    schema: {
      tags: ['services'],
      summary: 'Recent log lines; as a WebSocket with follow=true, lines as they come',
      params: idParams,
      querystring: logQuery,
      response: { 200: logsView },
    },
    preHandler: async (request) => {
      const caller = callerOf(request);
      deps.app.services.require(caller, request.params.id);
      if (request.ws) sockets.admit(caller);
      else if (request.query.follow) requireUpgrade();
    },
    handler: (request, reply) => {
      const { tail, since = null } = request.query;
      const reader = deps.openLogs(request.params.id, { tail, since, follow: false });
      reply.raw.once('close', () => reader.cancel()); // who asked has left: the host need not read on
      return recentLogs(reader);
    },
    wsHandler: (socket, request) => {
      if (!sockets.adopt(socket, callerOf(request))) return;
      const { tail, since = null, batch: isBatch } = request.query;
      serveLogSocket(deps.logs, socket, request.socket, { serviceId: request.params.id, tail, since, isBatch });
    },
  });

  http.route({
    method: 'GET',
    url: '/agent/v1',
    // The agent proves itself inside (shared/protocol/handshake.ts); the gateway limits how many come at once.
    config: { permission: 'public', takesUpgrade: true, limit: 'none' },
    schema: { hide: true },
    preHandler: async (request, reply) => {
      if (!request.ws) return;
      deps.admitAgent(request.ip);
      reply.raw.detachSocket(request.raw.socket); // nothing is answered any more, and the link would hold it
    },
    handler: requireUpgrade,
    wsHandler: (socket, request) => {
      socket.removeAllListeners('error'); // they hold the request for as long as the link lives; the gateway has its own
      deps.acceptAgent(socket, request.ip);
    },
  });
}
