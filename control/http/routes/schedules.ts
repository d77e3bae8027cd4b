// Schedules: what hosts do by themselves and when, and what became of it.
import { z } from 'zod';
import { RUN_STATES } from '#shared/schedule/schedule.ts';
import type { App } from '../../app/api/app.ts';
import { SCHEDULE_SORTS } from '../../app/api/schedules.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { filterText, fromPaging, idParams, newestFirst, orderField, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/schedule.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const tags = ['schedules'];
const listQuery = z.strictObject({
  ...pagingFields,
  service_id: filterText.optional().describe('Only those for this one service'),
  sort: z.enum(SCHEDULE_SORTS).default('created_at'),
  order: orderField,
});
const runQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(RUN_STATES).optional().describe('Only those in this state'),
  sort: z.literal('due_at').default('due_at'),
  order: newestFirst,
});
const runParams = z.object({ id: z.string(), run_id: z.string() });
const allowed =
  'Whoever sets it up needs the permission for what it does: services.update, backups.create, services.exec,';
const description = `${allowed} or hosts.update and hosts.read for cleanup and statistics.`;

export function mountSchedules(http: Http, app: App): void {
  mountList(http, app);
  mountOne(http, app);
  mountRuns(http, app);
}

function mountList(http: Http, { schedules, idempotency }: App): void {
  const write = writer(idempotency);
  http.get(
    '/api/schedules',
    {
      config: { permission: 'schedules.read' },
      schema: { tags, summary: 'List schedules', querystring: listQuery, response: { 200: view.schedulePage } },
    },
    (request) => {
      const { service_id: serviceId, sort, order } = request.query;
      const query = { ...fromPaging(request.query), serviceId, sort, order };
      return toPageView(schedules.list(callerOf(request), query), view.toScheduleView);
    },
  );

  http.post(
    '/api/schedules',
    {
      config: { permission: 'schedules.create' },
      schema: {
        tags,
        summary: 'Make a schedule',
        description,
        body: view.newScheduleBody,
        response: { 201: view.scheduleView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const schedule = await schedules.create(caller, view.fromNewScheduleBody(request.body));
        return { status: 201, body: view.toScheduleView(schedule) };
      }),
  );
}

function mountOne(http: Http, { schedules, idempotency }: App): void {
  const write = writer(idempotency);
  http.get(
    '/api/schedules/:id',
    {
      config: { permission: 'schedules.read' },
      schema: { tags, summary: 'Get a schedule', params: idParams, response: { 200: view.scheduleView } },
    },
    (request) => view.toScheduleView(schedules.require(callerOf(request), request.params.id)),
  );

  http.patch(
    '/api/schedules/:id',
    {
      config: { permission: 'schedules.update' },
      schema: {
        tags,
        summary: 'Change, enable or disable a schedule',
        description: `${description} Another command is given with its service and timeout_s.`,
        params: idParams,
        body: view.scheduleChangesBody,
        response: { 200: view.scheduleView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const changes = view.fromScheduleChangesBody(request.body);
        return { status: 200, body: view.toScheduleView(await schedules.change(caller, request.params.id, changes)) };
      }),
  );

  http.delete(
    '/api/schedules/:id',
    {
      config: { permission: 'schedules.delete' },
      schema: { tags, summary: 'Delete a schedule and its runs', params: idParams, response: { 204: z.null() } },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        await schedules.remove(caller, request.params.id);
        return { status: 204 };
      }),
  );
}

function mountRuns(http: Http, { schedules, idempotency }: App): void {
  const write = writer(idempotency);
  http.post(
    '/api/schedules/:id/run',
    {
      config: { permission: 'schedules.update' },
      schema: {
        tags,
        summary: 'Run a schedule now',
        description:
          'On each connected host that it is meant for, also while it is disabled. Answers before they have run.',
        params: idParams,
        body: noBody,
        response: { 202: view.askedRunsView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const runs = await schedules.run(caller, request.params.id);
        return { status: 202, body: { runs: runs.map(view.toRunView) } };
      }),
  );

  http.get(
    '/api/schedules/:id/runs',
    {
      config: { permission: 'schedules.read' },
      schema: {
        tags,
        summary: 'List the runs of a schedule, the newest first',
        params: idParams,
        querystring: runQuery,
        response: { 200: view.runPage },
      },
    },
    (request) => {
      const { state, order } = request.query;
      const page = schedules.runs(callerOf(request), request.params.id, { ...fromPaging(request.query), state, order });
      return toPageView(page, view.toRunView);
    },
  );

  http.get(
    '/api/schedules/:id/runs/:run_id',
    {
      config: { permission: 'schedules.read' },
      schema: { tags, summary: 'Get a run', params: runParams, response: { 200: view.runView } },
    },
    (request) => {
      const { id, run_id: runId } = request.params;
      return view.toRunView(schedules.requireRun(callerOf(request), id, runId));
    },
  );
}
