import t from 'tap';
import type { Thresholds } from '../../agent/health/health-check.ts';
import { judge, newStanding, pauseMs, type Standing } from '../../agent/health/tracker.ts';

const THRESHOLDS: Thresholds = { startPeriodMs: 10_000, failures: 3, passes: 2 };
const SECOND = 1_000;

/** One letter a second: p passes, f fails, u nobody could ask. What it was after each. */
function told(answers: string, thresholds: Partial<Thresholds> = {}, before = newStanding()): string {
  let standing = before;
  const told = answers.split('').map((letter, index) => {
    const verdict = ({ p: 'passed', f: 'failed', u: 'unknown' } as const)[letter] ?? 'unknown';
    const at = (index + 1) * SECOND;
    standing = judge(standing, { verdict, output: letter, at }, at, { ...THRESHOLDS, ...thresholds });
    return `${standing.health[0]}${standing.failures}`;
  });
  return told.join(' ');
}

t.test('so many passes in a row make it healthy', async (t) => {
  t.equal(told('pp'), 's0 h0');
  t.equal(told('pfpp'), 's0 s0 s0 h0', 'one failure between them starts the count anew');
});

t.test('so many failures in a row make a healthy one unhealthy, and so many passes heal it', async (t) => {
  t.equal(told('ppffpfff'), 's0 h0 h1 h2 h0 h1 h2 u3');
  t.equal(told('ppfffpp'), 's0 h0 h1 h2 u3 u0 h0');
  t.equal(told('f', { failures: 1 }, newStanding('healthy')), 'u1');
});

t.test('failures while it starts do not count', async (t) => {
  t.equal(told('f'.repeat(13)), `${'s0 '.repeat(9)}s1 s2 u3 u4`, 'the start period is over after ten seconds');
  t.equal(told('fff', { startPeriodMs: 0 }), 's1 s2 u3', 'without a start period they do at once');
});

t.test('one that was healthy once within the start period has started', async (t) => {
  t.equal(told('pfff', { passes: 1 }), 'h0 h1 h2 u3');
});

t.test('who cannot be asked stays what it was', async (t) => {
  t.equal(told('ppuuuu'), 's0 h0 h0 h0 h0 h0');
  t.equal(told('ppffuf'), 's0 h0 h1 h2 h2 u3', 'and what was counted stays counted');
  const before: Standing = { ...newStanding('healthy'), checkedAt: 5 };
  const after = judge(before, { verdict: 'unknown', output: 'Docker is away', at: 9 }, 9, THRESHOLDS);
  t.same(after, { ...before, output: 'Docker is away' }, 'it was not checked then');
});

t.test('what came back last is kept, and when', async (t) => {
  const after = judge(newStanding(), { verdict: 'failed', output: 'HTTP 500', at: 77 }, 77_000, THRESHOLDS);
  t.same(after, { health: 'starting', failures: 1, passes: 0, checkedAt: 77, output: 'HTTP 500' });
});

t.test('while it starts it is asked often, and less so the longer that takes', async (t) => {
  const pause = (standing: Standing, ageMs: number) => pauseMs(standing, ageMs, 5_000, THRESHOLDS);
  t.equal(pause(newStanding(), 0), 250);
  t.equal(pause(newStanding(), 4_000), 1_000);
  t.equal(
    pause(newStanding(), 10_000),
    5_000,
    'failures count from here on, so the pace is the one that was asked for',
  );
  t.equal(pause(newStanding('healthy'), 0), 5_000);
  t.equal(pause(newStanding('unhealthy'), 0), 5_000);
  t.equal(pauseMs(newStanding(), 8_000, 1_000, THRESHOLDS), 1_000, 'never slower than that');
});
