// What operators do to hosts: rename and label, cordon, drain, remove.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import type { Http } from '../http.ts';
import { hostView, toHostView } from '../views/host.ts';
import * as view from '../views/host-care.ts';
import { idParams } from '../views/page.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const removalQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Also with services on it: they are forgotten here, and run on there'),
});

const CORDONS = {
  cordon: 'Let a host take no new services',
  uncordon: 'Let a host take new services again',
};

export function mountHostCare(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.patch(
    '/api/hosts/:id',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: ['hosts'],
        summary: 'Rename or label a host',
        params: idParams,
        body: view.hostChangeBody,
        response: { 200: hostView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const host = await app.hostCare.change(caller, request.params.id, view.fromHostChangeBody(request.body));
        return { status: 200, body: toHostView(host) };
      }),
  );

  for (const verb of ['cordon', 'uncordon'] as const) {
    http.post(
      `/api/hosts/:id/${verb}`,
      {
        config: { permission: 'hosts.update' },
        schema: {
          tags: ['hosts'],
          summary: CORDONS[verb],
          params: idParams,
          body: noBody,
          response: { 200: hostView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const host = await app.hostCare[verb](caller, request.params.id);
          return { status: 200, body: toHostView(host) };
        }),
    );
  }

  mountDrains(http, app);

  http.delete(
    '/api/hosts/:id',
    {
      config: { permission: 'hosts.delete' },
      schema: {
        tags: ['hosts'],
        summary: 'Remove a host; what runs there runs on',
        description: 'Its key is refused from then on. A join token that is made later lets the machine in again.',
        params: idParams,
        querystring: removalQuery,
        response: { 204: z.null().describe('Removed') },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await app.hostCare.remove(caller, request.params.id, request.query.force === 'true');
        return { status: 204 };
      }),
  );
}

function mountDrains(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/hosts/:id/drain',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: ['hosts'],
        summary: 'Stop the enabled services of a host, and let it take no new ones',
        description:
          'Nothing is moved and nothing is deleted. Each stop is a job; a host that is away stops at its return.',
        params: idParams,
        body: noBody,
        response: { 200: view.drainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const drain = await app.hostCare.drain(caller, request.params.id);
        return { status: 200, body: view.toDrainView(drain) };
      }),
  );

  http.post(
    '/api/hosts/:id/undrain',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: ['hosts'],
        summary: 'Start what draining a host stopped, and let it take new services again',
        params: idParams,
        body: noBody,
        response: { 200: view.undrainView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const undrain = await app.hostCare.undrain(caller, request.params.id);
        return { status: 200, body: view.toUndrainView(undrain) };
      }),
  );
}
