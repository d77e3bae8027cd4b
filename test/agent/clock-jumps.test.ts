// Somebody sets the clock of a host, or it was wrong all along: what is measured in time that passes stays as it was.
import t from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import type { JobRun } from '../../agent/deploy/job-run.ts';
import { openState } from '../../agent/state/open.ts';
import { startRetention } from '../../agent/state/retention.ts';
import { offerOf, startCore } from '../support/agent-core.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOUR = 3600_000;

const done = async ({ steps, offer }: JobRun) => {
  await steps.run('apply', async () => undefined);
  return { state: 'succeeded' as const, goodRevision: offer.spec?.revision ?? 1 };
};

for (const [how, skewMs] of [
  ['ahead of', 5 * HOUR],
  ['behind', -5 * HOUR],
] as const) {
  t.test(`F36: a host whose clock is ${how} control's judges a deadline by what is left of it`, async (t) => {
    const core = startCore(t, { dir: makeFolder(t, 'agent'), execute: done });
    const sentAt = core.clock.now() - skewMs;
    const offer = (seq: number, leftMs: number) => {
      const body = { kind: 'job.offer' as const, offer: offerOf('deploy', { expiresAt: sentAt + leftMs }) };
      return core.inbox.deliver({ commands: [{ seq, body }], sentAt });
    };
    t.strictSame(offer(1, 1000).refused, []);
    t.match(offer(2, 0).refused, [{ seq: 2, error: { code: 'expired' } }]);
    await eventually(() => core.results().length === 1);
    t.match(core.results(), [{ state: 'succeeded' }]);
  });
}

for (const jumpMs of [9 * HOUR, -9 * HOUR]) {
  t.test(
    `F36: a clock set by ${jumpMs / HOUR} hours while jobs wait: only time that passes lets one expire`,
    async (t) => {
      const held = Promise.withResolvers<void>();
      const core = startCore(t, {
        dir: makeFolder(t, 'agent'),
        execute: async (run) => {
          if (run.offer.kind === 'deploy') await held.promise;
          return done(run);
        },
      });
      const expiresAt = (leftMs: number) => ({ expiresAt: core.clock.now() + leftMs });
      core.offer(offerOf('deploy'));
      core.offer(offerOf('restart', expiresAt(60_000)));
      core.offer(offerOf('restart', expiresAt(1000)));
      core.clock.jump(jumpMs);
      core.clock.advance(1000);
      held.resolve();
      await eventually(() => core.results().length === 3);
      t.match(core.results(), [{ state: 'succeeded' }, { state: 'succeeded' }, { state: 'expired' }]);
    },
  );
}

t.test('F36: a clock that is set wrong for a while makes nothing look old enough to be forgotten', async (t) => {
  const clock = new ManualClock();
  const state = openState(makeFolder(t, 'agent'), clock, { reserveBytes: 1024 });
  const scope = new Scope(silentLogger());
  t.teardown(async () => {
    await scope.stop();
    state.close();
  });
  const event = { serviceId: 'svc_1', type: 'health', status: 'healthy', message: '', at: 1 };
  state.transact(() => state.outbox.append({ kind: 'service.event', ...event }));
  state.outbox.ack(1);
  startRetention(state, clock, scope);
  const LOOPS = 2; // one forgets, one looks after the reserve: both wait
  const pass = async (minutes: number) => {
    for (let i = 0; i < minutes; i += 10) {
      await eventually(() => clock.pending === LOOPS);
      clock.advance(10 * 60_000);
    }
    await eventually(() => clock.pending === LOOPS);
  };
  clock.jump(400 * 24 * HOUR);
  await pass(50);
  clock.jump(-400 * 24 * HOUR);
  await pass(20 * 60);
  t.equal(state.outbox.range().first, 1, 'not yet a day');
  await pass(5 * 60);
  t.equal(state.outbox.range().first, 2);
});
