// Adopted containers as everything above the engine sees them: as if they carried the labels of their service.
import t from 'tap';
import type { EngineEvent } from '../../agent/docker/engine.ts';
import { withAdopted } from '../../agent/docker/adopted-engine.ts';
import { isForeign } from '../../agent/owner.ts';
import { AdoptedTable } from '../../agent/state/adopted.ts';
import { MIGRATIONS } from '../../agent/state/schema.ts';
import { openSqlite } from '#shared/sqlite.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const PROJECT = 'com.docker.compose.project';

/** `web` of Compose's project `shop`, and `cache`, which `docker run` made: both adopted by services of these names. */
function scene() {
  const docker = new FakeEngine();
  const table = new AdoptedTable(openSqlite(':memory:', MIGRATIONS));
  const labels = { [PROJECT]: 'shop' };
  const web = docker.addContainer({ name: 'shop-web-1', project: 'shop', service: 'web', state: 'running', labels });
  const cache = docker.addContainer({ name: 'cache', state: 'running' });
  const other = docker.addContainer({ name: 'other', state: 'running' });
  table.put([
    { id: web.id, service: 'web', serviceId: 'svc_shop', project: 'shop' },
    { id: cache.id, service: 'cache', serviceId: 'svc_cache', project: 'cache' },
  ]);
  return { docker, table, engine: withAdopted(docker, table), web, cache, other };
}

const traits = ({ name, project, labels }: { name: string; project: string; labels: Record<string, string> }) => [
  name,
  project,
  labels['longshore.service'],
];

t.test('every list shows an adopted container as its service’s own, and no other differently', async (t) => {
  const { engine, cache } = scene();
  t.same((await engine.listProject('shop')).map(traits), [['shop-web-1', 'shop', 'svc_shop']]);
  t.match(await engine.listProject('cache'), [{ id: cache.id, service: 'cache', project: 'cache' }]);
  t.same(
    (await engine.listManaged()).map(({ name }) => name),
    ['cache', 'shop-web-1'],
  );
  t.same((await engine.listAll()).map(traits), [
    ['cache', 'cache', 'svc_cache'],
    ['other', '', undefined],
    ['shop-web-1', 'shop', 'svc_shop'],
  ]);
  t.match(await engine.findContainer(cache.id), { service: 'cache', project: 'cache' });
});

t.test('Compose knows the one it made, by the label that is really there', async (t) => {
  const { engine } = scene();
  const [web] = await engine.listProject('shop');
  const [cache] = await engine.listProject('cache');
  t.same([web && isForeign(web), cache && isForeign(cache)], [false, true]);
});

t.test('an event of an adopted container reaches whoever listens to its service', async (t) => {
  const { engine, cache, other } = scene();
  const events: EngineEvent[] = [];
  const stop = new AbortController();
  await engine.openEvents((event) => void events.push(event), stop.signal);
  await engine.stopContainer(cache.id);
  await engine.stopContainer(other.id);
  stop.abort();
  const died = events.filter(({ action }) => action === 'die');
  t.same(
    died.map(({ project, service }) => [project, service]),
    [
      ['cache', 'cache'],
      ['', ''],
    ],
  );
});

t.test('one that is gone is in no list', async (t) => {
  const { docker, engine, cache } = scene();
  await docker.removeContainer(cache.id);
  t.same(await engine.listProject('cache'), []);
  t.equal(await engine.findContainer(cache.id), undefined);
});

t.test(
  'one that Docker tells of as removed is known no longer, and who listens to its service hears of it',
  async (t) => {
    const { docker, engine, table, web, cache } = scene();
    const events: EngineEvent[] = [];
    const stop = new AbortController();
    await engine.openEvents((event) => void events.push(event), stop.signal);
    await docker.removeContainer(cache.id);
    stop.abort();
    t.match(
      events.filter(({ action }) => action === 'destroy'),
      [{ project: 'cache', service: 'cache' }],
    );
    t.same(
      table.all().map(({ id }) => id),
      [web.id],
    );
  },
);

t.test('taking over again leaves nothing of what was there before', async (t) => {
  const { table, web, cache, other } = scene();
  table.put([{ id: other.id, service: 'web', serviceId: 'svc_shop', project: 'shop' }]);
  t.equal(table.find(web.id), undefined);
  t.match(table.find(cache.id), { serviceId: 'svc_cache' });
});

t.test('a container is of one service: adopting it again changes nothing, another service is refused', async (t) => {
  const { table, web, other } = scene();
  const row = { id: web.id, service: 'web', serviceId: 'svc_shop', project: 'shop' };
  table.put([row]);
  const taken = { ...row, serviceId: 'svc_two', project: 'two' };
  t.throws(() => table.put([{ ...taken, id: other.id }, taken]), { code: 'state_conflict' });
  t.equal(table.find(other.id), undefined, 'all or none');
  t.same(table.find(web.id), row);
});
