// What is upgraded to a WebSocket: news, a service's log, and agents. The guard has run by then, as for any route; a
// refusal is an ordinary answer before the handshake.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import type { ClientSockets } from '../../realtime/client-sockets.ts';
import type { Hub } from '../../realtime/hub.ts';
import { callerOf } from '../auth.ts';
import type { HttpDeps, LogQuery } from '../deps.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';

const MAX_TAIL = 10_000;
const logQuery = z.strictObject({
  tail: z.coerce.number().int().min(0).max(MAX_TAIL).default(100),
  since: z.iso.datetime({ offset: true }).optional(),
  follow: z.stringbool().default(false),
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
  .meta({ id: 'Logs' });

const fromLogQuery = ({ tail, since }: z.infer<typeof logQuery>): LogQuery => ({ tail, since: since ?? null });

function requireUpgrade(): never {
  throw new LongshoreError('bad_request', { message: 'Connect here with a WebSocket' });
}

export function mountLive(http: Http, deps: HttpDeps, sockets: ClientSockets, hub: Hub): void {
  http.route({
    method: 'GET',
    url: '/api/ws',
    config: { permission: 'authenticated', takesUpgrade: true },
    schema: { tags: ['live'], summary: 'WebSocket: news as they happen', response: { 101: z.null() } },
    preHandler: async (request) => {
      if (request.ws) sockets.admit(callerOf(request));
    },
    handler: requireUpgrade,
    wsHandler: (socket, request) => {
      const caller = callerOf(request);
      if (sockets.adopt(socket, caller)) hub.accept(socket, caller);
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
    handler: async (request) => ({
      logs: await deps.logs.read(callerOf(request), request.params.id, fromLogQuery(request.query)),
    }),
    wsHandler: (socket, request) => {
      const caller = callerOf(request);
      if (!sockets.adopt(socket, caller)) return;
      deps.logs.follow(socket, caller, request.params.id, fromLogQuery(request.query));
    },
  });

  http.route({
    method: 'GET',
    url: '/agent/v1',
    // The agent proves itself inside (shared/protocol/handshake.ts); the gateway limits how many come at once.
    config: { permission: 'public', takesUpgrade: true, limit: 'none' },
    schema: { hide: true },
    preHandler: async (request) => {
      if (request.ws) deps.admitAgent?.(request.ip);
    },
    handler: requireUpgrade,
    wsHandler: (socket, request) => deps.acceptAgent(socket, request.ip),
  });
}
