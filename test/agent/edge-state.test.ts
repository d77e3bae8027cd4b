// What a host remembers of its edge.
import t, { type Test } from 'tap';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { openState } from '../../agent/state/open.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const stateOf = (revision: number, ...names: string[]): EdgeState => ({
  revision,
  edge: 'caddy',
  issuer: { kind: 'internal' },
  routes: names.map((hostname) => {
    return { hostname, serviceId: 'svc_1', service: null, port: null, redirectTo: null, certificateId: null };
  }),
  certificates: [],
});

function open(t: Test) {
  const state = openState(makeFolder(t, 'agent'), new ManualClock());
  t.teardown(() => state.close());
  return state.edge;
}

t.test('the latest word counts: a control plane from a backup counts from there', (t) => {
  const edge = open(t);
  t.equal(edge.find(), undefined);
  edge.put(stateOf(9, 'old.example.com'));
  edge.put(stateOf(6, 'new.example.com'));
  t.same(edge.find(), stateOf(6, 'new.example.com'));
  t.end();
});

t.test('parts count together, when the last of them is here', (t) => {
  const edge = open(t);
  const pair = { id: 'dom_1', certificate: 'C', key: 'K' };
  edge.put(stateOf(1, 'old.example.com'));
  edge.put(stateOf(2, 'a.example.com'), { index: 0, of: 3 });
  edge.put(stateOf(2, 'b.example.com'), { index: 1, of: 3 });
  t.same(edge.find(), stateOf(1, 'old.example.com'), 'until then the one before');
  edge.put({ ...stateOf(2), certificates: [pair] }, { index: 2, of: 3 });
  t.same(edge.find(), { ...stateOf(2, 'a.example.com', 'b.example.com'), certificates: [pair] });
  t.end();
});

t.test('parts of a word that was never ended are not mixed with the next', (t) => {
  const edge = open(t);
  edge.put(stateOf(2, 'a.example.com'), { index: 0, of: 2 });
  edge.put(stateOf(2, 'c.example.com'), { index: 0, of: 2 });
  edge.put(stateOf(2, 'd.example.com'), { index: 1, of: 2 });
  t.same(edge.find(), stateOf(2, 'c.example.com', 'd.example.com'));
  edge.put(stateOf(3, 'e.example.com'), { index: 0, of: 2 });
  edge.put(stateOf(4, 'f.example.com'));
  t.same(edge.find(), stateOf(4, 'f.example.com'));
  t.end();
});
