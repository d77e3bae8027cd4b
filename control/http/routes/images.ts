// Images: whether newer ones are there, and removing those that a host does not need.
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';
import { idParams } from '../views/page.ts';
import { fromPruneBody, pruneBody, prunedView, toPrunedView } from '../views/prune.ts';
import { checkedUpdatesView, toUpdates } from '../views/updates.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

export function mountImages(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/services/:id/check-updates',
    {
      config: { permission: 'services.update' },
      schema: {
        tags: ['services'],
        summary: 'Look for newer images now',
        description: 'Its host asks the registries what its images are by now. Nothing is pulled.',
        params: idParams,
        body: noBody,
        response: { 200: checkedUpdatesView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id, updateAvailable, updates } = await app.images.checkUpdates(caller, request.params.id);
        return { status: 200, body: { id, update_available: updateAvailable, ...toUpdates(updates) } };
      }),
  );

  http.post(
    '/api/hosts/:id/prune',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: ['hosts'],
        summary: 'Remove images that nothing on a host needs',
        description:
          'What a container has or a kept revision would be put back from stays. Volumes, networks and containers are ' +
          'never touched. While a job is under way on the host nothing is removed: 409 service_busy.',
        params: idParams,
        body: pruneBody,
        response: { 200: prunedView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const order = fromPruneBody(request.body);
        const result = await app.images.prune(caller, request.params.id, order);
        return { status: 200, body: toPrunedView(result, order.isDryRun) };
      }),
  );
}
