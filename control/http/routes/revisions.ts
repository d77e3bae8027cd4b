// Revisions of a service: list, show, compare, go back.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';
import * as view from '../views/revision.ts';
import { writer } from '../writes.ts';
import { redeployView } from './service-actions.ts';

export function mountRevisions(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/services/:id/revisions',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['revisions'],
        summary: 'List the revisions that can be gone back to',
        description: 'The newest first, all of them: a host keeps five. Its host must be connected.',
        params: idParams,
        response: { 200: view.revisionListView },
      },
    },
    (request) =>
      app.revisions
        .list(callerOf(request), request.params.id)
        .then((revisions) => ({ data: revisions.map(view.toRevisionView) })),
  );

  http.get(
    '/api/services/:id/revisions/:revision',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['revisions'],
        summary: 'Get a revision with the compose file as it ran',
        params: view.revisionParams,
        response: { 200: view.revisionDetailView },
      },
    },
    (request) => {
      const { id, revision } = request.params;
      const number = view.fromRevisionParam(revision);
      return app.revisions.detail(callerOf(request), id, number).then(view.toRevisionDetailView);
    },
  );

  http.get(
    '/api/services/:id/revisions/:revision/diff',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['revisions'],
        summary: 'Compare a revision with another',
        params: view.revisionParams,
        querystring: view.diffQuery,
        response: { 200: view.revisionDiffView },
      },
    },
    (request) => {
      const { id, revision } = request.params;
      const number = view.fromRevisionParam(revision);
      return app.revisions.diff(callerOf(request), id, number, request.query.against).then(view.toRevisionDiffView);
    },
  );

  http.post(
    '/api/services/:id/rollback',
    {
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: ['revisions'],
        summary: 'Put an earlier revision back',
        description:
          'To the digest, with its compose file and variables, which are what is wanted from then on. It becomes a new ' +
          'revision. Should it not become healthy, what ran before is put back.',
        params: idParams,
        body: view.rollbackBody,
        response: { 200: redeployView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { service, job } = await app.revisions.rollback(caller, request.params.id, request.body?.revision);
        return { status: 200, body: { id: service.id, status: service.lifecycle, deploy_job_id: job.id } };
      }),
  );
}
