// Which backups go when a service keeps only some.
import t from 'tap';
import type { Retention } from '#shared/backup.ts';
import { toForget } from '../../agent/backup/retention.ts';

const NONE: Retention = { last: 0, daily: 0, weekly: 0, monthly: 0 };
const at = (text: string): { id: string; at: number } => ({ id: text, at: Date.parse(`${text}Z`) });
/** Four times a day from Sunday the 1st of November 2026 on. */
const MONTH = Array.from({ length: 30 * 4 }, (_, i) => {
  const date = new Date(Date.UTC(2026, 10, 1, 6 * i));
  return { id: date.toISOString().slice(0, 16), at: date.getTime() };
});
const kept = (rules: Partial<Retention>): string[] => {
  const gone = toForget(MONTH, { ...NONE, ...rules });
  return MONTH.map(({ id }) => id).filter((id) => !gone.includes(id));
};

t.test('the last ones stay, however close they are', async (t) => {
  t.strictSame(kept({ last: 2 }), ['2026-11-30T12:00', '2026-11-30T18:00']);
});

t.test('of each day, week and month the newest stays, as far back as is said', async (t) => {
  t.strictSame(kept({ daily: 3 }), ['2026-11-28T18:00', '2026-11-29T18:00', '2026-11-30T18:00']);
  t.strictSame(
    kept({ weekly: 3 }),
    ['2026-11-22T18:00', '2026-11-29T18:00', '2026-11-30T18:00'],
    'weeks end on Sunday',
  );
  t.strictSame(kept({ monthly: 12 }), ['2026-11-30T18:00']);
});

t.test('what one rule keeps, another does not take', async (t) => {
  const both = kept({ last: 1, daily: 2, weekly: 2 });
  t.strictSame(both, ['2026-11-29T18:00', '2026-11-30T18:00'], 'a backup may count for several rules');
});

t.test('days without a backup do not use up the days that are kept', async (t) => {
  const old = ['2025-01-01T00:00', '2025-06-01T00:00', '2026-11-21T00:00'].map(at);
  t.strictSame(toForget(old, { ...NONE, daily: 2 }), ['2025-01-01T00:00']);
});

t.test('the newest one is never taken away, nor is the only one', async (t) => {
  t.strictSame(kept({}), ['2026-11-30T18:00']);
  t.strictSame(toForget([at('2026-11-21T00:00')], NONE), []);
  t.strictSame(toForget([], NONE), []);
});

t.test('those that go are named with the oldest first', async (t) => {
  const [first = '', second = ''] = toForget(MONTH, { ...NONE, last: 1 });
  t.ok(first < second);
});
