// PhoenixPanel's Services API at /api/v1/services: the system's own parts, and schedules as scheduled tasks.
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { ScheduleTargets } from '#shared/schedule/schedule.ts';
import { auditTarget } from '../../http/audit.ts';
import { callerOf } from '../../http/auth.ts';
import type { HttpDeps } from '../../http/deps.ts';
import type { Http } from '../../http/http.ts';
import { idParams } from '../../http/views/page.ts';
import { writer } from '../../http/writes.ts';
import type { Dialect } from '../dialect.ts';
import { namesOf } from '../names.ts';
import { placeAll, requirePlaced } from '../placed.ts';
import { createBody, listQuery, perPageOf, updateBody, type ListQuery } from './bodies.ts';
import {
  findRefusal,
  fromCreate,
  fromPartId,
  fromTask,
  fromUpdate,
  pick,
  refuseDelete,
  toAgent,
  toAgentHealth,
  toPagination,
  toPart,
  toPartHealth,
  toScheduled,
  toScheduledDetail,
  toTaskHealth,
  withTaskRights,
  wordError,
  type FoundOrder,
} from './mapping.ts';
import type { Section } from './pages.ts';
import type { ServiceView } from './service-view.ts';
import type { Servers, Task } from './task.ts';

const PREFIX = '/api/v1/services';
/** What the figures of a task are of. */
const RUNS_LOOKED_AT = 100;

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

async function systemOf(app: App, caller: Caller): Promise<Section<ServiceView>[]> {
  const parts = (await app.system.parts(caller)).map(toPart);
  const { total } = app.system.agents(caller, { page: 1, perPage: 1 });
  return [
    { total: parts.length, page: (page, perPage) => parts.slice((page - 1) * perPage, page * perPage) },
    { total, page: (page, perPage) => app.system.agents(caller, { page, perPage }).items.map(toAgent) },
  ];
}

function tasksOf({ schedules }: App, caller: Caller): Section<ServiceView> {
  const list = (page: number, perPage: number) =>
    schedules.list(caller, { page, perPage, sort: 'created_at', order: 'asc' });
  return { total: list(1, 1).total, page: (page, perPage) => list(page, perPage).items.map(toScheduled) };
}

function toPage(path: string, query: ListQuery, sections: readonly Section<ServiceView>[]) {
  const asked = { page: query.page, perPage: perPageOf(query) };
  const { items, total } = pick(sections, asked);
  const { per_page, type } = query;
  const pagination = toPagination({ ...asked, path, query: { per_page, type } }, items.length, total);
  return { data: items, meta: { pagination } };
}

async function findSystem({ system }: App, caller: Caller, id: string): Promise<ServiceView | undefined> {
  const part = fromPartId(id);
  const found = part === undefined ? undefined : (await system.parts(caller)).find(({ name }) => name === part);
  if (found) return toPart(found);
  const agent = system.findAgent(caller, id);
  return agent && toAgent(agent.host);
}

const taskOf = (app: App, caller: Caller, id: string) =>
  toScheduledDetail(app.schedules.require(caller, id), (serviceId) => nameOf(app, caller, serviceId));

async function healthOf({ system, schedules }: App, caller: Caller, id: string, now: number) {
  const part = await system.findHealth(caller, fromPartId(id) ?? '');
  if (part) return toPartHealth(part, now);
  const agent = system.findAgent(caller, id);
  if (agent) return toAgentHealth(agent, now);
  const schedule = schedules.require(caller, id);
  const { items: runs } = schedules.runs(caller, id, { page: 1, perPage: RUNS_LOOKED_AT, order: 'desc' });
  return toTaskHealth(schedule, runs, now);
}

function requireUnchanged(
  system: ServiceView,
  { task, ...body }: Parameters<typeof findRefusal>[1] & { task?: unknown },
) {
  const refusal = findRefusal(system, body, task !== undefined);
  if (refusal) throw refusal;
  return system;
}

function findServers(app: App, caller: Caller, task: Task): FoundOrder {
  const { servers, ...order } = fromTask(task);
  return { ...order, targets: targetsOf(app, caller, servers) };
}

function targetsOf(app: App, caller: Caller, servers: Servers): ScheduleTargets {
  if (servers === 'all') return { isAll: true };
  if (!Array.isArray(servers)) return servers;
  const isId = (server: string) => server.startsWith('svc_');
  const ids = servers.map((server) => (isId(server) ? server : requirePlaced(app, caller, server).service.id));
  const [only, ...others] = new Set(ids);
  return only !== undefined && others.length === 0 ? { serviceId: only } : { serviceIds: [...new Set(ids)] };
}

/** As `requirePlaced` takes it; the id where the caller does not see it. */
function nameOf(app: App, caller: Caller, id: string): string {
  const { name } = app.services.find(caller, id) ?? {};
  if (name === undefined) return id;
  const namesakes = placeAll(app, caller, app.services.named(caller, name));
  return namesOf(namesakes)[namesakes.findIndex(({ service }) => service.id === id)] ?? id;
}
