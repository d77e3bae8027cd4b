// Join tokens: make one, see what became of it, end it.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/join-token.ts';
import { fromPaging, idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';

export function mountJoinTokens(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/hosts/join-tokens',
    {
      config: { permission: 'hosts.create' },
      schema: {
        tags: ['hosts'],
        summary: 'List the tokens that let hosts join',
        querystring: view.joinTokenQuery,
        response: { 200: view.joinTokenPage },
      },
    },
    (request) => {
      const query = { ...fromPaging(request.query), order: request.query.order };
      return toPageView(app.joinTokens.list(callerOf(request), query), view.toJoinTokenView);
    },
  );

  http.get(
    '/api/hosts/join-tokens/:id',
    {
      config: { permission: 'hosts.create' },
      schema: {
        tags: ['hosts'],
        summary: 'Get a join token: who came in by it, and why it was refused',
        params: idParams,
        response: { 200: view.joinTokenWithHostsView },
      },
    },
    (request) => view.toJoinTokenWithHostsView(app.joinTokens.require(callerOf(request), request.params.id)),
  );

  http.post(
    '/api/hosts/join-tokens',
    {
      config: { permission: 'hosts.create' },
      schema: {
        tags: ['hosts'],
        summary: 'Make a token that lets hosts join',
        description: 'The answer has the line to run on a host, for a terminal, for cloud-init and for Ansible.',
        body: view.newJoinTokenBody,
        response: { 201: view.madeJoinTokenView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const made = await app.joinTokens.create(caller, view.fromNewJoinTokenBody(request.body));
        return { status: 201, body: view.toMadeJoinTokenView(made) };
      }),
  );

  http.delete(
    '/api/hosts/join-tokens/:id',
    {
      config: { permission: 'hosts.create' },
      schema: {
        tags: ['hosts'],
        summary: 'End a join token; hosts that came in by it stay',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.joinTokens.end(caller, request.params.id);
        return { status: 204 };
      }),
  );
}
