import t from 'tap';
import type { StepUpdate } from '../../agent/deploy/job-run.ts';
import { ProgressMerger } from '../../agent/jobs/progress-merger.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start() {
  const clock = new ManualClock();
  const seen: StepUpdate[] = [];
  return { clock, seen, merger: new ProgressMerger(clock, (update) => seen.push(update)) };
}

t.test('the first update goes out at once', (t) => {
  const { seen, merger } = start();
  merger.push({ message: 'a' });
  t.strictSame(seen, [{ message: 'a' }]);
  t.end();
});

t.test('updates within the window become one, with the latest of each field', (t) => {
  const { clock, seen, merger } = start();
  merger.push({ percent: 1 });
  merger.push({ percent: 2, message: 'layer 1' });
  merger.push({ percent: 3 });
  clock.advance(200);
  t.strictSame(seen, [{ percent: 1 }, { percent: 3, message: 'layer 1' }]);
  t.end();
});

t.test('a flood comes out at five a second', (t) => {
  const { clock, seen, merger } = start();
  for (let ms = 0; ms < 10_000; ms++) {
    merger.push({ percent: ms });
    clock.advance(1);
  }
  t.equal(seen.length, 51); // one at once, then one each 200 ms
  t.end();
});

t.test('after a quiet window the next update goes out at once again', (t) => {
  const { clock, seen, merger } = start();
  merger.push({ percent: 1 });
  clock.advance(200);
  merger.push({ percent: 2 });
  t.equal(seen.length, 2);
  t.end();
});

t.test('what waits is dropped at the stop, and no timer stays behind', (t) => {
  const { clock, seen, merger } = start();
  merger.push({ percent: 1 });
  merger.push({ percent: 2 });
  merger.stop();
  clock.advance(1000);
  t.strictSame(seen, [{ percent: 1 }]);
  t.equal(clock.pending, 0);
  t.end();
});
