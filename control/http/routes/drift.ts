// Drift of a service: look, make it what it was, or take it as it is.
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { driftView, toDriftView } from '../views/drift.ts';
import { idParams } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody, redeployView } from './service-actions.ts';

export function mountDrift(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/services/:id/drift',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['drift'],
        summary: 'Compare what runs with the good revision',
        description:
          'Looked for now, field by field. Whether a container runs is no drift. Its host must be connected.',
        params: idParams,
        response: { 200: driftView },
      },
    },
    (request) => app.drift.detail(callerOf(request), request.params.id).then(toDriftView),
  );

  http.post(
    '/api/services/:id/drift/revert',
    {
      config: { permission: 'services.update', limit: 'deploy', action: 'services.drift.revert' },
      schema: {
        tags: ['drift'],
        summary: 'Make what drifted what it was',
        description:
          'Recreates the compose services that drifted, by the images of the revision, and puts its files back. The others ' +
          'stay as they are. No new revision comes of it.',
        params: idParams,
        body: noBody,
        response: { 200: redeployView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { service, job } = await app.drift.revert(caller, request.params.id);
        return { status: 200, body: { id: service.id, status: service.lifecycle, deploy_job_id: job.id } };
      }),
  );

  http.post(
    '/api/services/:id/drift/accept',
    {
      config: { permission: 'services.update', limit: 'deploy', action: 'services.drift.accept' },
      schema: {
        tags: ['drift'],
        summary: 'Take what runs as what is wanted',
        description:
          'Changes the compose file so that it says what runs, without recreating a container. It becomes a new revision, ' +
          'and deploys that change nothing else keep the containers. 409 state_conflict for what the file cannot say, and ' +
          'for services from a template or a repository, whose file is not theirs.',
        params: idParams,
        body: noBody,
        response: { 200: redeployView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { service, job } = await app.drift.accept(caller, request.params.id);
        return { status: 200, body: { id: service.id, status: service.lifecycle, deploy_job_id: job.id } };
      }),
  );
}
