// What the routes of PhoenixPanel's Services API look up: the system's parts and agents, tasks, and servers by name.
import type { ScheduleTargets } from '#shared/schedule/schedule.ts';
import { holds } from '../../app/access/permissions.ts';
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import { namesOf } from '../names.ts';
import { placeAll, requirePlaced } from '../placed.ts';
import {
  fromPartId,
  fromTask,
  toAgent,
  toAgentHealth,
  toPart,
  toPartHealth,
  toScheduled,
  toScheduledDetail,
  toTaskHealth,
  type FoundOrder,
} from './mapping.ts';
import type { Section } from './pages.ts';
import type { ServiceView } from './service-view.ts';
import type { Servers, Task } from './task.ts';

/** What the figures of a task are of. */
const RUNS_LOOKED_AT = 100;
/** A command may hold a secret: whoever cannot set one up or see it elsewhere does not see it here. */
const SEES_PROGRAMS = ['schedules.read', 'services.exec'] as const;

export async function systemOf(app: App, caller: Caller): Promise<Section<ServiceView>[]> {
  const parts = (await app.system.parts(caller)).map(toPart);
  const { total } = app.system.agents(caller, { page: 1, perPage: 1 });
  return [
    { total: parts.length, page: (page, perPage) => parts.slice((page - 1) * perPage, page * perPage) },
    { total, page: (page, perPage) => app.system.agents(caller, { page, perPage }).items.map(toAgent) },
  ];
}

export function tasksOf({ schedules }: App, caller: Caller): Section<ServiceView> {
  const list = (page: number, perPage: number) =>
    schedules.list(caller, { page, perPage, sort: 'created_at', order: 'asc' });
  return { total: list(1, 1).total, page: (page, perPage) => list(page, perPage).items.map(toScheduled) };
}

export async function findSystem({ system }: App, caller: Caller, id: string): Promise<ServiceView | undefined> {
  const part = fromPartId(id);
  const found = part === undefined ? undefined : (await system.parts(caller)).find(({ name }) => name === part);
  if (found) return toPart(found);
  const agent = system.findAgent(caller, id);
  return agent && toAgent(agent.host);
}

export const taskOf = (app: App, caller: Caller, id: string) =>
  toScheduledDetail(app.schedules.require(caller, id), {
    nameOf: (serviceId) => nameOf(app, caller, serviceId),
    seesProgram: SEES_PROGRAMS.some((permission) => holds(caller.permissions, permission)),
  });

export async function healthOf({ system, schedules }: App, caller: Caller, id: string, now: number) {
  const part = await system.findHealth(caller, fromPartId(id) ?? '');
  if (part) return toPartHealth(part, now);
  const agent = system.findAgent(caller, id);
  if (agent) return toAgentHealth(agent, now);
  const schedule = schedules.require(caller, id);
  const { items: runs } = schedules.runs(caller, id, { page: 1, perPage: RUNS_LOOKED_AT, order: 'desc' });
  return toTaskHealth(schedule, runs, now);
}

export function findServers(app: App, caller: Caller, task: Task): FoundOrder {
  const { servers, ...order } = fromTask(task);
  return { ...order, targets: targetsOf(app, caller, servers) };
}

function targetsOf(app: App, caller: Caller, servers: Servers): ScheduleTargets {
  if (servers === 'all') return { isAll: true };
  if (!Array.isArray(servers)) return servers;
  const ids = servers.map(
    (server) => app.services.find(caller, server)?.id ?? requirePlaced(app, caller, server).service.id,
  );
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
