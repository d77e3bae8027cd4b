// Jobs: what is under way, how it went, its log, and the way to stop it.
import { z } from 'zod';
import { JOB_STATES } from '#shared/jobs.ts';
import type { App } from '../../app/api/app.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { jobDetailView, jobLogView, jobPage, jobView, toJobDetailView, toJobLogView, toJobView } from '../views/job.ts';
import { filterText, fromPaging, idParams, newestFirst, pagingFields, toPageView } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const listQuery = z.strictObject({
  ...pagingFields,
  service_id: filterText.optional().describe('Only those of this service'),
  state: z.enum(JOB_STATES).optional().describe('Only those in this state'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});

export function mountJobs(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.get(
    '/api/jobs',
    {
      config: { permission: 'services.read' },
      schema: { tags: ['jobs'], summary: 'List jobs', querystring: listQuery, response: { 200: jobPage } },
    },
    (request) => {
      const { service_id: serviceId, state, order } = request.query;
      const query = { ...fromPaging(request.query), serviceId, state, order };
      return toPageView(app.jobs.list(callerOf(request), query), toJobView);
    },
  );

  http.get(
    '/api/jobs/:id',
    {
      config: { permission: 'services.read' },
      schema: {
        tags: ['jobs'],
        summary: 'Get a job with its steps',
        params: idParams,
        response: { 200: jobDetailView },
      },
    },
    (request) => toJobDetailView(app.jobs.detail(callerOf(request), request.params.id)),
  );

  http.get(
    '/api/jobs/:id/log',
    {
      config: { permission: 'services.read' },
      schema: { tags: ['jobs'], summary: 'Get the log of a job', params: idParams, response: { 200: jobLogView } },
    },
    (request) => toJobLogView(app.jobs.log(callerOf(request), request.params.id)),
  );

  http.post(
    '/api/jobs/:id/cancel',
    {
      config: { permission: 'services.update' },
      schema: { tags: ['jobs'], summary: 'Cancel a job', params: idParams, body: noBody, response: { 200: jobView } },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        return { status: 200, body: toJobView(await app.jobs.cancel(caller, request.params.id)) };
      }),
  );
}
