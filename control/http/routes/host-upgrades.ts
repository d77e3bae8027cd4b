// Upgrades of hosts: begin one, list, show, go on with one, end one.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import { UPGRADE_STATES } from '../../app/api/upgrades.ts';
import { callerOf } from '../auth.ts';
import type { Http } from '../http.ts';
import { fromPaging, idParams, newestFirst, pagingFields, toPageView } from '../views/page.ts';
import * as view from '../views/upgrade.ts';
import { writer } from '../writes.ts';
import { noBody } from './service-actions.ts';

const TAGS = ['hosts'];

const listQuery = z.strictObject({
  ...pagingFields,
  state: z.enum(UPGRADE_STATES).optional().describe('Only those in this state'),
  sort: z.literal('created_at').default('created_at'),
  order: newestFirst,
});

const ACTS = {
  resume: 'Go on with a halted upgrade of hosts, those that failed first',
  cancel: 'End an upgrade of hosts: who had no turn keeps what it has',
} as const;

export function mountHostUpgrades(http: Http, app: App): void {
  const write = writer(app.idempotency);
  http.post(
    '/api/hosts/upgrades',
    {
      config: { permission: 'hosts.update' },
      schema: {
        tags: TAGS,
        summary: 'Upgrade the agents of hosts to the version of this control plane, in waves',
        body: view.newUpgradeBody,
        response: { 201: view.upgradeDetailView },
      },
    },
    (request, reply) =>
      write(request, reply, async (caller) => {
        const made = await app.hostUpgrades.create(caller, view.fromNewUpgradeBody(request.body));
        return { status: 201, body: view.toUpgradeDetailView(made) };
      }),
  );

  http.get(
    '/api/hosts/upgrades',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: TAGS,
        summary: 'List the last upgrades of hosts',
        querystring: listQuery,
        response: { 200: view.upgradePage },
      },
    },
    (request) => {
      const { state, order } = request.query;
      const query = { ...fromPaging(request.query), state, order };
      return toPageView(app.hostUpgrades.list(callerOf(request), query), view.toUpgradeView);
    },
  );

  http.get(
    '/api/hosts/upgrades/:id',
    {
      config: { permission: 'hosts.read' },
      schema: {
        tags: TAGS,
        summary: 'Get an upgrade of hosts with its waves',
        params: idParams,
        response: { 200: view.upgradeDetailView },
      },
    },
    (request) => view.toUpgradeDetailView(app.hostUpgrades.require(callerOf(request), request.params.id)),
  );

  for (const act of ['resume', 'cancel'] as const) {
    http.post(
      `/api/hosts/upgrades/:id/${act}`,
      {
        config: { permission: 'hosts.update' },
        schema: {
          tags: TAGS,
          summary: ACTS[act],
          params: idParams,
          body: noBody,
          response: { 200: view.upgradeDetailView },
        },
      },
      (request, reply) =>
        write(request, reply, async (caller) => {
          const upgrade = await app.hostUpgrades[act](caller, request.params.id);
          return { status: 200, body: view.toUpgradeDetailView(upgrade) };
        }),
    );
  }
}
