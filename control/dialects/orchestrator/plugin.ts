// The Services API of the container orchestrator at /api/system/services: managed services by name.
import { z } from 'zod';
import type { App } from '../../app/api/app.ts';
import type { Caller } from '../../app/api/caller.ts';
import type { Service } from '../../app/api/services.ts';
import { auditTarget } from '../../http/audit.ts';
import { callerOf } from '../../http/auth.ts';
import type { HttpDeps } from '../../http/deps.ts';
import type { Http } from '../../http/http.ts';
import { writer } from '../../http/writes.ts';
import type { Dialect } from '../dialect.ts';
import { placeAll, requirePlaced } from '../placed.ts';
import { findBlackout, findRefusal, toAnswer, toInfo, toList, VERBS, wordError, type Verb } from './mapping.ts';

/** Longer than Docker gives a container to stop; what takes longer goes on, and the list shows its end. */
const WAIT_MS = 20_000;

const listQuery = z.object({ category: z.string().optional() });
/** A name with its host as two segments is what a client makes of `host/name` that does not encode it. */
const NAME_PATHS = ['/:name', '/:host/:name'];
const nameParams = z.object({ host: z.string().optional(), name: z.string() });

export const orchestrator: Dialect = {
  name: 'orchestrator',
  prefix: '/api/system/services',
  wordError,
  mount(http, deps) {
    mountList(http, deps);
    for (const verb of VERBS) for (const path of NAME_PATHS) mountAct(http, deps, { verb, path: `${path}/${verb}` });
  },
};

function mountList(http: Http, deps: HttpDeps): void {
  http.get('', { config: { permission: 'services.read' }, schema: { querystring: listQuery } }, (request) =>
    list(deps, callerOf(request), request.query.category),
  );
}

async function list({ app, clock }: HttpDeps, caller: Caller, category: string | undefined) {
  const placed = placeAll(app, caller, await app.services.all(caller));
  const blackout = findBlackout(placed);
  if (blackout) throw blackout;
  return toList(placed, { category, now: clock.now() });
}

function mountAct(http: Http, { app, clock }: HttpDeps, { verb, path }: { verb: Verb; path: string }): void {
  const write = writer(app.idempotency);
  const config = { permission: 'services.update', action: `services.${verb}` } as const;
  http.post(path, { config, schema: { params: nameParams } }, (request, reply) =>
    write(request, reply, async (caller) => {
      const { host, name } = request.params;
      const asked = host === undefined ? name : `${host}/${name}`;
      const { id } = requirePlaced(app, caller, asked).service;
      auditTarget(request, id);
      const service = await act(app, caller, id, verb);
      const placed = { service, host: app.hosts.require(caller, service.hostId) };
      return { status: 200, body: toAnswer(verb, toInfo(placed, { name: asked, now: clock.now() })) };
    }),
  );
}

async function act(app: App, caller: Caller, id: string, verb: Verb): Promise<Service> {
  const refusalOf = (service: Service) =>
    findRefusal(verb, { service, host: app.hosts.require(caller, service.hostId) });
  if (verb === 'enable' || verb === 'disable') return app.services.setEnabled(caller, id, verb === 'enable', refusalOf);
  return (await app.services.act(caller, id, verb, WAIT_MS, refusalOf)).service;
}
