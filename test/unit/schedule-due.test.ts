// Whether a schedule is due: through gaps, set clocks and runs that go on.
import t from 'tap';
import { parseCron } from '#shared/schedule/cron.ts';
import { nextRunOf } from '#shared/schedule/next-run.ts';
import { decideDue, type Plan } from '../../agent/schedule/due.ts';
import { jitterOf } from '../../agent/schedule/jitter.ts';

const HOUR = 3600_000;
const at = (text: string) => Date.parse(`2026-11-02T${text}Z`);

const planOf = (line: string, over: Partial<Plan> = {}): Plan => ({
  next: (after) => nextRunOf(parseCron(line), 'UTC', after),
  catchUp: 'none',
  jitterMs: 0,
  isRunning: false,
  ...over,
});

t.test('nothing is due: the next look is at its time', async (t) => {
  const due = decideDue(planOf('0 3 * * *'), at('00:00:00'), at('02:00:00'));
  t.strictSame(due, { cursor: at('02:00:00'), nextAt: at('03:00:00') });
});

t.test('due on time, also a little late; the same time is not due twice', async (t) => {
  const plan = planOf('0 3 * * *');
  const late = decideDue(plan, at('02:59:59'), at('03:01:10'));
  t.match(late, { run: { dueAt: at('03:00:00'), trigger: 'schedule', missed: 0, reason: null } });
  t.equal(decideDue(plan, late.cursor, at('03:01:20')).run, undefined);
});

t.test('missed: told, or done once; what is due on time covers what was missed before it', async (t) => {
  const missed = decideDue(planOf('0 * * * *'), at('00:30:00'), at('05:30:00'));
  t.match(missed.run, { dueAt: at('05:00:00'), trigger: 'catch_up', missed: 5, reason: /was off/ });
  const one = decideDue(planOf('0 * * * *', { catchUp: 'one' }), at('00:30:00'), at('05:30:00'));
  t.match(one.run, { dueAt: at('05:00:00'), trigger: 'catch_up', missed: 4, reason: null });
  const onTime = decideDue(planOf('0 * * * *'), at('00:30:00'), at('05:00:01'));
  t.match(onTime.run, { trigger: 'schedule', missed: 4, reason: null });
});

t.test(
  'F36: a clock set back by less than three hours makes nothing run again, a correction is followed',
  async (t) => {
    const plan = planOf('*/10 * * * *');
    const back = decideDue(plan, at('05:00:00'), at('03:00:00'));
    t.strictSame(back, { cursor: at('05:00:00'), nextAt: at('05:10:00') });
    const far = decideDue(plan, at('12:00:00'), at('03:00:00'));
    t.strictSame(far, { cursor: at('03:00:00'), nextAt: at('03:10:00') });
  },
);

t.test('F36: a clock set far ahead: the last of very many is found, and counting ends', async (t) => {
  const ahead = at('00:00:00') + 10 * 366 * 24 * HOUR + 30_000;
  const { run } = decideDue(planOf('* * * * *', { catchUp: 'one' }), at('00:00:00'), ahead);
  t.match(run, { dueAt: ahead - 30_000, missed: 999 });
});

t.test('the run before goes on: skipped, with the reason', async (t) => {
  const plan = planOf('0 * * * *', { isRunning: true });
  t.match(decideDue(plan, at('00:30:00'), at('01:00:00')).run, { reason: 'the run before has not ended', missed: 0 });
});

t.test('jitter: later by the same time always, another on each host, never more than is asked for', async (t) => {
  const spec = { id: 'sch_1', jitterS: 600 };
  const jitters = Array.from({ length: 50 }, (_, i) => jitterOf(spec, `host_${i}`));
  t.ok(jitters.every((ms) => ms >= 0 && ms < 600_000));
  t.ok(new Set(jitters).size > 45);
  t.equal(jitterOf(spec, 'host_1'), jitterOf(spec, 'host_1'));
  t.equal(jitterOf({ ...spec, jitterS: 0 }, 'host_1'), 0);
  const plan = planOf('0 3 * * *', { jitterMs: 300_000 });
  t.strictSame(decideDue(plan, at('02:00:00'), at('03:04:59')), { cursor: at('02:59:59'), nextAt: at('03:05:00') });
  t.match(decideDue(plan, at('02:59:59'), at('03:05:00')).run, { dueAt: at('03:00:00'), trigger: 'schedule' });
});
