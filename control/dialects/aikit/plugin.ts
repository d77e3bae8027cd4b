// The AIKit Dashboard's API at /aikit/api, and at /api on a port of its own: every container of the fleet as a service.
import { z } from 'zod';
import type { FastifyRequest } from 'fastify';
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { FleetContainer } from '../../app/api/containers.ts';
import { DEFAULT_LOG_TAIL, MAX_LOG_TAIL } from '../../app/logs.ts';
import { auditTarget } from '../../http/audit.ts';
import { callerOf } from '../../http/auth.ts';
import type { HttpDeps } from '../../http/deps.ts';
import type { Http } from '../../http/http.ts';
import { writer } from '../../http/writes.ts';
import type { Dialect } from '../dialect.ts';
import * as map from './mapping.ts';
import { EVENTS, fromEvents } from './webhook.ts';

/** What Docker may take to stop one that asks for that much. */
const ACT_LIMIT_MS = 60_000;
/** A large image takes its time; its document knows no answer before the end. */
const UPDATE_LIMIT_MS = 10 * 60_000;

const count = (max: number) => z.coerce.number().int().min(1).max(max);
const listQuery = z.object({
  filter: z.enum(map.FILTERS).default('all'),
  limit: count(1000).optional(),
  page: count(1_000_000).default(1),
});
const logQuery = z.object({
  lines: count(MAX_LOG_TAIL).default(DEFAULT_LOG_TAIL),
  since: z.iso.datetime({ offset: true }).optional(),
});
const webhookBody = z.object({
  url: z.string().min(1).max(4096),
  events: z.array(z.enum(EVENTS)).min(1).max(EVENTS.length),
  secret: z.string().min(1).max(256).optional(),
});
const params = z.object({ containerId: z.string() });
/** Clients that always send a body send what they like. */
const noBody = z.unknown();
const MEASURED = { isMeasured: true };

export const aikit: Dialect = {
  name: 'aikit',
  prefix: '/aikit/api',
  wordError: map.wordError,
  countsByHour: true,
  mount(http, deps) {
    mountServices(http, deps);
    mountActs(http, deps);
    mountMonitoring(http, deps);
    mountWebhooks(http, deps);
  },
};

function mountServices(http: Http, { app, clock }: HttpDeps): void {
  const config = { permission: 'services.read' } as const;
  http.get('/services', { config, schema: { querystring: listQuery } }, (request) =>
    app.containers
      .list(callerOf(request), MEASURED)
      .then(({ containers }) => map.toEnvelope(map.toList(containers, request.query, clock.now()))),
  );

  http.get('/services/:containerId', { config, schema: { params } }, (request) =>
    showDetail(app, callerOf(request), request.params.containerId).then(([container, setup]) =>
      map.toEnvelope(map.toDetail(container, setup, clock.now())),
    ),
  );
}

async function showDetail({ containers }: App, caller: Caller, called: string) {
  const container = await containers.require(caller, called, MEASURED);
  return [container, await containers.setup(caller, container)] as const;
}

function mountActs(http: Http, { app }: HttpDeps): void {
  const write = writer(app.idempotency);
  for (const act of map.ACTS) {
    const config = { permission: 'services.update', action: `services.${act}` } as const;
    http.post(`/services/:containerId/${act}`, { config, schema: { params, body: noBody } }, (request, reply) =>
      write(request, reply, async (caller) => {
        const container = await app.containers.require(caller, request.params.containerId);
        aim(request, container);
        const after = await app.containers.act(caller, container, act, ACT_LIMIT_MS);
        return { status: 200, body: map.toEnvelope(map.toActed(act, after.container, after.isDone)) };
      }),
    );
  }

  const config = { permission: 'services.update', limit: 'deploy', action: 'services.redeploy' } as const;
  http.post('/services/:containerId/update', { config, schema: { params, body: noBody } }, (request, reply) =>
    write(request, reply, async (caller) => {
      const container = await app.containers.require(caller, request.params.containerId);
      aim(request, container);
      const after = await app.containers.update(caller, container, UPDATE_LIMIT_MS);
      return { status: 200, body: map.toEnvelope(map.toUpdated(after.container ?? container, after.isDone)) };
    }),
  );
}

function mountMonitoring(http: Http, { app, clock }: HttpDeps): void {
  const logs = { config: { permission: 'services.logs' }, schema: { params, querystring: logQuery } } as const;
  http.get('/services/:containerId/logs', logs, (request, reply) => {
    const left = new AbortController();
    reply.raw.once('close', () => left.abort()); // who asked has left: the host need not read on
    const { lines, since = null } = request.query;
    return app.containers
      .require(callerOf(request), request.params.containerId)
      .then((container) => app.containers.logs(container, { lines, since }, left.signal))
      .then((entries) => map.toEnvelope(map.toLogs(entries)));
  });

  const config = { permission: 'services.read' } as const;
  http.get('/services/:containerId/stats', { config, schema: { params } }, (request) =>
    app.containers
      .require(callerOf(request), request.params.containerId, MEASURED)
      .then((container) => map.toEnvelope(map.toStats(container, clock.now()))),
  );

  http.get('/system/stats', { config }, (request) =>
    app.containers
      .list(callerOf(request), MEASURED)
      .then(({ containers, silent }) => map.toEnvelope(map.toSystemStats(containers, silent, clock.now()))),
  );
}

function mountWebhooks(http: Http, { app }: HttpDeps): void {
  const write = writer(app.idempotency);
  const config = { permission: 'webhooks.create', action: 'webhooks.create' } as const;
  http.post('/webhooks', { config, schema: { body: webhookBody } }, (request, reply) =>
    write(request, reply, async (caller) => {
      const { events, ...asked } = request.body;
      const made = await app.webhooks.create(caller, { ...asked, events: fromEvents(events), format: 'aikit' });
      const { id, url } = made.webhook;
      const secret = asked.secret === undefined && { secret: made.secret };
      return { status: 200, body: map.toEnvelope({ id, url, events, ...secret }) };
    }),
  );
}

/** In the audit log a container stands for its service. */
const aim = (request: FastifyRequest, { serviceId, id }: FleetContainer): void => auditTarget(request, serviceId ?? id);
