// PhoenixPanel's Services API at /api/v1/services: the system's own parts, and schedules as scheduled tasks.
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import { auditTarget } from '../../http/audit.ts';
import { callerOf } from '../../http/auth.ts';
import type { HttpDeps } from '../../http/deps.ts';
import type { Http } from '../../http/http.ts';
import { idParams } from '../../http/views/page.ts';
import { writer } from '../../http/writes.ts';
import type { Dialect } from '../dialect.ts';
import { createBody, listQuery, perPageOf, updateBody, type ListQuery } from './bodies.ts';
import { findServers, findSystem, healthOf, systemOf, taskOf, tasksOf } from './lookup.ts';
import {
  findRefusal,
  fromCreate,
  fromUpdate,
  pick,
  refuseDelete,
  toPagination,
  toScheduled,
  withTaskRights,
  wordError,
  type TaskChanges,
} from './mapping.ts';
import type { Section } from './pages.ts';
import type { ServiceView } from './service-view.ts';

const PREFIX = '/api/v1/services';

export const phoenix: Dialect = {
  name: 'phoenix',
  prefix: PREFIX,
  wordError,
  mount(http, deps) {
    mountReads(http, deps);
    mountWrites(http, deps.app);
  },
};

function mountReads(http: Http, { app, clock }: HttpDeps): void {
  const config = { permission: 'services.read' } as const;
  http.get('', { config, schema: { querystring: listQuery } }, (request) =>
    listAll(app, callerOf(request), request.query),
  );

  http.get('/scheduled', { config, schema: { querystring: listQuery } }, (request) =>
    toPage(`${PREFIX}/scheduled`, request.query, [tasksOf(app, callerOf(request))]),
  );

  http.get('/:id', { config, schema: { params: idParams } }, (request) =>
    showOne(app, callerOf(request), request.params.id),
  );

  http.get('/:id/health', { config, schema: { params: idParams } }, (request) =>
    showHealth(app, callerOf(request), request.params.id, clock.now()),
  );
}

function mountWrites(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/scheduled',
    { config: { permission: 'services.create', action: 'schedules.create' }, schema: { body: createBody } },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const order = findServers(app, caller, request.body.task);
        const schedule = await app.schedules.create(withTaskRights(caller), fromCreate(request.body, order));
        auditTarget(request, schedule.id);
        return { status: 201, body: { data: toScheduled(schedule) } };
      }),
  );

  http.put(
    '/:id',
    {
      config: { permission: 'services.update', action: 'schedules.update' },
      schema: { params: idParams, body: updateBody },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { body } = request;
        const { id } = request.params;
        const system = await findSystem(app, caller, id);
        if (system) return { status: 200, body: { data: requireUnchanged(system, body) } };
        const order = body.task && findServers(app, caller, body.task);
        await app.schedules.change(withTaskRights(caller), id, fromUpdate(body, order));
        return { status: 200, body: { data: taskOf(app, caller, id) } };
      }),
  );

  http.delete(
    '/:id',
    { config: { permission: 'services.delete', action: 'schedules.delete' }, schema: { params: idParams } },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const { id } = request.params;
        const system = await findSystem(app, caller, id);
        if (system) throw refuseDelete(system);
        const data = toScheduled(app.schedules.require(caller, id));
        await app.schedules.remove(caller, id);
        return { status: 200, body: { data } };
      }),
  );
}

async function listAll(app: App, caller: Caller, query: ListQuery) {
  const { type } = query;
  const system = type === 'scheduled' ? [] : await systemOf(app, caller);
  return toPage(PREFIX, query, [...system, ...(type === 'system' ? [] : [tasksOf(app, caller)])]);
}

const showOne = async (app: App, caller: Caller, id: string) => ({
  data: (await findSystem(app, caller, id)) ?? taskOf(app, caller, id),
});

const showHealth = async (app: App, caller: Caller, id: string, now: number) => ({
  data: await healthOf(app, caller, id, now),
});

function toPage(path: string, query: ListQuery, sections: readonly Section<ServiceView>[]) {
  const asked = { page: query.page, perPage: perPageOf(query) };
  const { items, total } = pick(sections, asked);
  const { per_page, type } = query;
  const pagination = toPagination({ ...asked, path, query: { per_page, type } }, items.length, total);
  return { data: items, meta: { pagination } };
}

function requireUnchanged(system: ServiceView, { task, ...body }: TaskChanges & { task?: unknown }) {
  const refusal = findRefusal(system, body, task !== undefined);
  if (refusal) throw refusal;
  return system;
}
