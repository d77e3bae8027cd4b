// What counts as somebody else's on a host, and what keeps it from being adopted.
import t from 'tap';
import type { Container } from '../../agent/docker/engine.ts';
import { groupFinds, isAboutName, toFind, type Surroundings } from '../../agent/adoption/finds.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const engine = new FakeEngine();
const make = (name: string, given: Partial<Container> = {}) => engine.addContainer({ name, ...given });
const ofCompose = (project: string, labels: Record<string, string> = {}, given: Partial<Container> = {}) =>
  make(`${project}-web-1`, { project, service: 'web', labels, ...given });

const around = (over: Partial<Surroundings> = {}): Surroundings => ({
  services: [{ serviceId: 'svc_1', name: 'own' }],
  projects: new Set(['shop']),
  hostname: 'server-1',
  ...over,
});

t.test('finds are the projects and the single containers that no service has, by name', async (t) => {
  const own = ofCompose('own', { 'longshore.service': 'svc_1' });
  const [shop, db] = [ofCompose('shop'), make('shop-db-1', { project: 'shop', service: 'db' })];
  const [zoo, ape] = [make('zoo'), make('ape')];
  t.same(groupFinds([own, zoo, shop, db, ape], around().services), [
    { kind: 'container', name: 'ape', ids: [ape.id] },
    { kind: 'compose', name: 'shop', ids: [shop.id, db.id] },
    { kind: 'container', name: 'zoo', ids: [zoo.id] },
  ]);
});

t.test('the table of services decides whose a container is, not what its labels claim', async (t) => {
  const stale = ofCompose('gone', { 'longshore.service': 'svc_gone' });
  const forged = ofCompose('shop', { 'longshore.service': 'svc_1' });
  const added = ofCompose('own');
  const names = groupFinds([stale, forged, added], around().services).map(({ name }) => name);
  t.same(names, ['gone', 'own', 'shop']);
});

t.test('Compose’s labels tell where a project lies; nothing tells what its variables are', async (t) => {
  const labels = {
    'com.docker.compose.project.working_dir': '/srv/shop',
    'com.docker.compose.project.config_files': '/srv/shop/compose.yaml,/srv/shop/prod.yaml',
  };
  const find = toFind({ kind: 'compose', name: 'shop' }, [ofCompose('shop', labels)], around());
  t.match(find, {
    workingDir: '/srv/shop',
    configFiles: ['/srv/shop/compose.yaml', '/srv/shop/prod.yaml'],
    obstacle: null,
  });
  t.notMatch(Object.keys(find.containers[0] ?? {}), ['labels']);
});

const owner = make('owner');
const cases: [what: string, kind: 'compose' | 'container', container: Container, code: string | null][] = [
  ['a name outside the grammar', 'container', make('My_App'), 'name_invalid'],
  ['a service of that name', 'container', make('own'), 'name_taken'],
  ['a Compose project of that name', 'container', make('shop'), 'name_taken'],
  ['a container that somebody put into a service’s project', 'compose', ofCompose('own'), 'foreign_part'],
  ['a task of Swarm', 'container', make('task', { labels: { 'com.docker.swarm.service.id': 'x' } }), 'swarm'],
  ['a container that goes when it stops', 'container', make('once', { removesItself: true }), 'temporary'],
  ['a one-off of Compose', 'compose', ofCompose('run', { 'com.docker.compose.oneoff': 'True' }), 'temporary'],
  ['a namespace of a container elsewhere', 'container', make('side', { joins: [owner.id] }), 'shared_namespace'],
  ['nothing in the way', 'compose', ofCompose('shop'), null],
];
for (const [what, kind, container, code] of cases) {
  t.test(`can it be adopted: ${what}`, async (t) => {
    const name = kind === 'compose' ? container.project : container.name;
    const { obstacle } = toFind({ kind, name }, [container], around());
    t.equal(obstacle?.code ?? null, code);
    t.equal(obstacle !== null && isAboutName(obstacle), code?.startsWith('name_') ?? false, 'another name helps');
  });
}

t.test('a namespace that is shared within the project goes with it', async (t) => {
  const web = ofCompose('shop');
  const side = make('shop-side-1', { project: 'shop', service: 'side', joins: [web.id] });
  t.equal(toFind({ kind: 'compose', name: 'shop' }, [web, side], around()).obstacle, null);
});

t.test('the container that Longshore runs in is not its own to adopt', async (t) => {
  const home = make('panel');
  const find = toFind({ kind: 'container', name: 'panel' }, [home], around({ hostname: home.id.slice(0, 12) }));
  t.match(find, { obstacle: { code: 'own_part' } });
});
