// Moves of services from host to host, and all services of a lost host on another one.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import * as view from '../views/move.ts';
import { idParams, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

export function mountMoves(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/services/:id/move',
    {
      config: { permission: 'services.update', action: 'services.move' },
      schema: {
        tags: ['moves'],
        summary: 'Move a service to another host with its data',
        description:
          'It goes through a backup repository that both hosts reach. The old one goes when the new one is up; should that not ' +
          'come up, the old one is started again. Needs backups.restore, too.',
        params: idParams,
        body: view.newMoveBody,
        response: { 202: view.moveDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const move = await app.moves.begin(caller, request.params.id, view.fromNewMoveBody(request.body));
        return { status: 202, body: view.toMoveDetailView(move) };
      }),
  );

  http.get(
    '/api/moves',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['moves'],
        summary: 'List moves of services, the newest first',
        querystring: view.moveQuery,
        response: { 200: view.movePage },
      },
    },
    (request) => toPageView(app.moves.list(callerOf(request), view.fromMoveQuery(request.query)), view.toMoveView),
  );

  http.get(
    '/api/moves/:id',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['moves'],
        summary: 'Get a move with its steps',
        params: idParams,
        response: { 200: view.moveDetailView },
      },
    },
    (request) => view.toMoveDetailView(app.moves.require(callerOf(request), request.params.id)),
  );

  mountActs(http, app);
  mountHostRestores(http, app);
}

function mountActs(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/moves/:id/cancel',
    {
      config: { permission: 'services.update' },
      schema: {
        tags: ['moves'],
        summary: 'Undo a move that has not got there: the service runs on where it was',
        params: idParams,
        body: noBody,
        response: { 200: view.moveDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        return { status: 200, body: view.toMoveDetailView(await app.moves.cancel(caller, request.params.id)) };
      }),
  );

  http.post(
    '/api/moves/:id/remove-old',
    {
      config: { permission: 'services.delete', action: 'moves.remove_old' },
      schema: {
        tags: ['moves'],
        summary: 'Remove what a move has left where the service is not, with its data',
        params: idParams,
        body: noBody,
        response: { 202: view.moveDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        return { status: 202, body: view.toMoveDetailView(await app.moves.removeOld(caller, request.params.id)) };
      }),
  );
}

function mountHostRestores(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/hosts/:id/restore',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: ['moves'],
        summary: 'Bring up all services of a lost host on another one, from their newest backups',
        description:
          'For a host that is not connected. Asked for again it goes on with what is not there yet. The lost host stops what ' +
          'was restored elsewhere as soon as it is back.',
        params: idParams,
        body: view.restoreHostBody,
        response: { 202: view.hostRestoreView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const restore = await app.moves.restoreHost(caller, request.params.id, request.body.to_host_id);
        return { status: 202, body: view.toHostRestoreView(restore) };
      }),
  );

  http.get(
    '/api/hosts/:id/restore',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: ['moves'],
        summary: 'How the last restore of a host stands',
        params: idParams,
        response: { 200: view.hostRestoreView },
      },
    },
    (request) => view.toHostRestoreView(app.moves.requireRestore(callerOf(request), request.params.id)),
  );
}
