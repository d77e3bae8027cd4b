// Start, stop, restart and redeploy. The first three wait for the host, at most a minute, and then hand over the job.
import { z } from 'zod';
import { LIFECYCLES } from '#shared/model.ts';
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';
import { redeployBody } from '../views/new-service.ts';
import { idParams } from '../views/page.ts';
import { writer } from '../writes.ts';

/** What proxies allow a request to take, and a person to wait. */
const MAX_WAIT_S = 60;
export const waitQuery = z.strictObject({
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_WAIT_S)
    .default(MAX_WAIT_S)
    .describe('Seconds to wait for the host; past them the answer is a 202 and the work goes on'),
});

/** An action takes no fields; clients that always send a body send `{}`. */
export const noBody = z.strictObject({}).nullish();

const id = z.string().meta({ example: 'svc_abc123' });
const actionFields = { id, status: z.enum(LIFECYCLES), message: z.string(), job_id: z.string() };
export const acceptedView = z.object(actionFields).meta({
  id: 'ActionAccepted',
  description: 'The wait is over, the work goes on: follow the job.',
  example: { id: 'svc_abc123', status: 'running', message: 'Service is stopping', job_id: 'job_xyz456' },
});
export const redeployView = z
  .object({
    id,
    status: z.enum(LIFECYCLES).meta({ example: 'deploying' }),
    deploy_job_id: z.string().meta({ example: 'job_xyz789' }),
  })
  .meta({ id: 'RedeployedService' });

const DONE = { start: 'Service started', stop: 'Service stopped', restart: 'Service restarted' } as const;
const UNDER_WAY = {
  start: 'Service is starting',
  stop: 'Service is stopping',
  restart: 'Service is restarting',
} as const;

const doneView = (kind: keyof typeof DONE) =>
  z.object(actionFields).meta({
    example: {
      id: 'svc_abc123',
      status: kind === 'stop' ? 'stopped' : 'running',
      message: DONE[kind],
      job_id: 'job_xyz456',
    },
  });

export function mountServiceActions(http: Http, app: App): void {
  const write = writer(app.idempotency);
  for (const kind of ['start', 'stop', 'restart'] as const) {
    http.post(
      `/api/services/:id/${kind}`,
      {
        config: { permission: 'services.update' },
        schema: {
          tags: ['services'],
          summary: `${kind[0]?.toUpperCase()}${kind.slice(1)} a service`,
          params: idParams,
          querystring: waitQuery,
          body: noBody,
          response: { 200: doneView(kind), 202: acceptedView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const { service, job, isDone } = await app.services.act(
            caller,
            request.params.id,
            kind,
            request.query.wait * 1000,
          );
          const message = (isDone ? DONE : UNDER_WAY)[kind];
          const body = { id: service.id, status: service.lifecycle, message, job_id: job.id };
          return { status: isDone ? 200 : 202, body };
        }),
    );
  }

  http.post(
    '/api/services/:id/redeploy',
    {
      config: { permission: 'services.update', limit: 'deploy' },
      schema: {
        tags: ['services'],
        summary: 'Pull the latest images and deploy again',
        params: idParams,
        body: redeployBody,
        response: { 200: redeployView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { pull, plan_id: planId, review } = request.body ?? {};
        const { service, job } = await app.services.redeploy(caller, request.params.id, { pull, planId, review });
        return { status: 200, body: { id: service.id, status: service.lifecycle, deploy_job_id: job.id } };
      }),
  );
}
