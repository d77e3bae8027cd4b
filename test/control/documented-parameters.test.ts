// Every query parameter that the panel API documents, by itself, over HTTP and the real app.
import t from 'tap';
import { ADMIN } from '../support/control-world.ts';
import { fakeDeps } from '../support/http-server.ts';
import { startRealHttp, type RealHttp } from '../support/real-http.ts';

interface List {
  data: { name: string; status: string }[];
  total: number;
  page: number;
  per_page: number;
}

const list = async ({ http, key }: RealHttp, query: string) =>
  (await http.get<List>(`/api/services?${query}`, key)).body;
const names = async (real: RealHttp, query: string) => (await list(real, query)).data.map(({ name }) => name);

/** One service in each documented status, made in this order. */
async function oneOfEach(real: RealHttp): Promise<{ customerId: string }> {
  const { world } = real;
  const host = await world.joinAndConnect();
  const customerId = await world.customer('Acme');
  const next = () => world.clock.advance(1000);
  await world.deployed(host, 'd-running', { customerId });
  next();
  const stopped = await world.deployed(host, 'c-stopped');
  next();
  const { job } = await world.create('b-failed');
  const failure = { code: 'image_unavailable', message: 'No such image' };
  const state = { lifecycle: 'failed', health: 'unknown', revision: null } as const;
  await host.finish(job.id, { state: 'failed', error: failure, failedStep: 'pull' }, state);
  next();
  await world.create('a-deploying');
  next();
  const stop = await world.app.services.act(ADMIN, stopped, 'stop', 0);
  await host.finish(stop.job.id, {}, { lifecycle: 'stopped', health: 'unknown' });
  await world.app.services.update(ADMIN, stopped, { displayName: 'Changed last' });
  return { customerId };
}

t.test('list services: each parameter does what it says', async (t) => {
  const real = await startRealHttp(t);
  const { customerId } = await oneOfEach(real);
  for (const status of ['running', 'stopped', 'deploying', 'failed'])
    t.match((await list(real, `status=${status}`)).data, [{ name: new RegExp(`-${status}$`), status }], status);
  t.same(await names(real, `customer_id=${customerId}`), ['d-running']);
  t.same(await names(real, 'search=TOPP'), ['c-stopped']);
  const made = ['d-running', 'c-stopped', 'b-failed', 'a-deploying'];
  t.same(await names(real, 'sort=name'), made.toReversed());
  t.same(await names(real, 'sort=created_at&order=asc'), made);
  t.same(await names(real, 'sort=created_at&order=desc'), made.toReversed());
  t.equal((await names(real, 'sort=updated_at')).at(-1), 'c-stopped', 'it was changed after all others were made');
  t.same(await names(real, 'sort=status'), ['a-deploying', 'b-failed', 'd-running', 'c-stopped']);
});

t.test('list services: pages are of twenty from the first, and of a hundred at most', async (t) => {
  const real = await startRealHttp(t);
  await real.world.joinAndConnect();
  for (let i = 0; i < 21; i++) await real.world.create(`s-${String(i).padStart(2, '0')}`);
  const first = await list(real, 'sort=name');
  t.match(first, { total: 21, page: 1, per_page: 20 });
  t.equal(first.data.length, 20);
  t.same(await names(real, 'sort=name&page=2'), ['s-20']);
  t.same(
    await names(real, 'sort=name&page=3&per_page=7'),
    Array.from({ length: 7 }, (_, i) => `s-${14 + i}`),
  );
  t.equal((await list(real, 'per_page=100')).data.length, 21);
  t.match(await real.http.error('GET', '/api/services?per_page=101', { key: real.key }), {
    status: 400,
    fields: { per_page: /./ },
  });
});

t.test('logs: a hundred lines unless `tail` says otherwise, from `since` on, live only by WebSocket', async (t) => {
  const asked: object[] = [];
  const real = await startRealHttp(t, {
    deps: {
      openLogs: (serviceId, params) => {
        asked.push(params);
        return fakeDeps(real.world.app).openLogs(serviceId, params);
      },
    },
  });
  const host = await real.world.joinAndConnect();
  const path = `/api/services/${await real.world.deployed(host, 'web')}/logs`;
  const since = '2026-03-29T14:30:00Z';
  for (const query of ['', '?tail=50', `?since=${since}`])
    t.strictSame((await real.http.get(path + query, real.key)).body, { logs: [] });
  t.match(asked, [
    { tail: 100, since: null },
    { tail: 50, since: null },
    { tail: 100, since },
  ]);
  t.match(await real.http.error('GET', `${path}?since=yesterday`, { key: real.key }), { status: 400 });
  t.match(await real.http.error('GET', `${path}?follow=true`, { key: real.key }), {
    status: 400,
    message: /WebSocket/,
  });
});
