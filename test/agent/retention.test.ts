// What a host that acts each minute by itself keeps of it: bounded, whatever control does.
import t from 'tap';
import { openState } from '../../agent/state/open.ts';
import { startRetention } from '../../agent/state/retention.ts';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { offerOf } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

t.test('jobs that a host gave itself are kept by number, those of control by age', (t) => {
  const state = openState(makeFolder(t, 'agent'), new ManualClock());
  t.teardown(() => state.close());
  const { journal } = state;
  const end = (jobId: string) =>
    journal.finish({ jobId, serviceId: 'svc_1', state: 'succeeded', startedAt: 1, finishedAt: 2 });
  state.transact(() => {
    journal.accept(offerOf('restart', { jobId: 'of control' }));
    journal.accept(offerOf('restart', { jobId: 'under way' }), 'by schedule often');
    for (let i = 1; i <= 5_001; i++) {
      journal.accept(offerOf('restart', { jobId: `own ${i}` }), 'by schedule often');
      end(`own ${i}`);
    }
    end('of control');
    journal.prune(3);
  });
  const has = (...ids: string[]) => ids.map((id) => journal.has(id));
  t.strictSame(has('of control', 'under way', 'own 1', 'own 2', 'own 5001'), [true, true, false, true, true]);
  t.end();
});

t.test('F29: room on the disk is noticed a moment after it is there', async (t) => {
  const clock = new ManualClock();
  const state = openState(makeFolder(t, 'agent'), clock, { reserveBytes: 4096 });
  t.teardown(() => state.close());
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  startRetention(state, clock, scope);
  await eventually(() => clock.pending === 2); // the first look is over
  state.reserve.release();
  t.notOk(state.hasRoom());
  clock.advance(15_000);
  await eventually(() => state.hasRoom());
});
