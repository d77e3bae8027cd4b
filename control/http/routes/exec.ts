// Programs inside the containers of a service: one command and its answer, or a WebSocket for a terminal.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import type { ClientSockets } from '../../realtime/client-sockets.ts';
import { serveExecSocket } from '../../realtime/exec-socket.ts';
import { callerOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import type { Http } from '../http.ts';
import * as view from '../views/exec.ts';
import { idParams } from '../views/page.ts';
import { writer } from '../writes.ts';
import { requireUpgrade } from './live.ts';

export function mountExec(http: Http, { app, clock }: Pick<HttpDeps, 'app' | 'clock'>, sockets: ClientSockets): void {
  mountOneCommand(http, app);
  http.route({
    method: 'GET',
    url: '/api/services/:id/exec',
    config: { permission: 'services.exec', takesUpgrade: true, action: 'services.exec' },
    schema: {
      tags: ['services'],
      summary: 'WebSocket: a terminal in a container',
      description:
        'The first message is `{"type":"exec.start","command":["sh"],"cols":80,"rows":24}`; docs/exec.md has all of them.',
      params: idParams,
      response: { 101: z.null() },
    },
    preHandler: async (request) => {
      const caller = callerOf(request);
      app.services.require(caller, request.params.id);
      if (request.ws) sockets.admit(caller);
    },
    handler: requireUpgrade,
    wsHandler: (socket, request) => {
      const { act, params } = request;
      const caller = callerOf(request);
      // A person types more often than a page asks: what comes too fast is not read instead.
      if (!act || !sockets.adopt(socket, caller, { countsMessages: false })) return;
      serveExecSocket(socket, { open: (order) => app.exec.open({ ...act, caller }, params.id, order), clock });
    },
  });
}

function mountOneCommand(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/services/:id/exec',
    {
      config: { permission: 'services.exec' },
      schema: {
        tags: ['services'],
        summary: 'Run a command in a container and wait for its end',
        description:
          'The command is an argument list that no shell reads. The answer holds at most 1 MiB of output, without the ' +
          "service's secrets. When the caller hangs up the command is ended, unless it came with an Idempotency-Key.",
        params: idParams,
        body: view.execBody,
        response: { 200: view.execView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { timeout_s: timeoutS, ...fields } = request.body;
        const limits = { timeoutMs: timeoutS * 1000, signal: hangUpOf(request, reply) };
        const outcome = await app.exec.run(caller, request.params.id, view.fromExecFields(fields), limits);
        return { status: 200, body: view.toExecView(outcome) };
      }),
  );
}

/** Whoever sent a key may come back for the answer. */
function hangUpOf({ headers }: FastifyRequest, reply: FastifyReply): AbortSignal | undefined {
  if (headers['idempotency-key'] !== undefined) return undefined;
  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort());
  return abort.signal;
}
