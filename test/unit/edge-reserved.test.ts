// What belongs to the edge of a host, and so to no service of it.
import t from 'tap';
import { Discovery } from '../../agent/adoption/discovery.ts';
import { requireUnreserved } from '../../agent/deploy/check.ts';
import { FakeEngine } from '../support/fake-engine.ts';

t.test('no service has the name of its project', (t) => {
  t.throws(() => requireUnreserved('longshore-edge', 'longshore-edge'), {
    code: 'name_taken',
    details: /another name/,
  });
  t.doesNotThrow(() => requireUnreserved('longshore-edges', 'longshore-edge'));
  t.end();
});

t.test('it is nothing that somebody else runs, and cannot be adopted', async (t) => {
  const engine = new FakeEngine();
  engine.addContainer({ name: 'longshore-edge-caddy-1', project: 'longshore-edge', service: 'caddy' });
  engine.addContainer({ name: 'shop-web-1', project: 'shop', service: 'web' });
  const discovery = new Discovery({ engine, services: { names: () => [] }, edgeProject: 'longshore-edge' });
  const { items } = await discovery.projects({ page: 1, perPage: 10, isDescending: false });
  t.same(
    items.map(({ name }) => name),
    ['shop'],
  );
  await t.rejects(discovery.require({ kind: 'compose', name: 'longshore-edge' }), { code: 'not_found' });
  t.equal(
    (await discovery.containers({ page: 1, perPage: 10, isDescending: false })).total,
    2,
    'among the containers it is',
  );
});
