import t from 'tap';
import { Turns } from '../../agent/healing/turns.ts';
import { ManualClock } from '../support/manual-clock.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const ABORT = { name: 'AbortError' };

/** Ten that ask at once; each works until it is told to end. */
function ask(turns: Turns, signal: AbortSignal) {
  const begun: number[] = [];
  const ends = Array.from({ length: 10 }, () => Promise.withResolvers<void>());
  const all = ends.map((end, i) =>
    turns.take(() => {
      begun.push(i);
      return end.promise;
    }, signal),
  );
  return { begun, end: (i: number) => ends[i]?.resolve(), fail: (i: number) => ends[i]?.reject(new Error('no')), all };
}

t.test('so many at a time, in the order of asking, and the next one after a pause', async (t) => {
  const clock = new ManualClock();
  const { begun, end, all } = ask(new Turns(clock, { atOnce: 3, pauseMs: 1_000 }), new AbortController().signal);
  t.strictSame(begun, [0, 1, 2]);
  end(1);
  await settle();
  clock.advance(999);
  await settle();
  t.strictSame(begun, [0, 1, 2]);
  clock.advance(1);
  await settle();
  t.strictSame(begun, [0, 1, 2, 3]);
  for (let i = 0; i < 10; i++) end(i);
  for (let i = 0; i < 10; i++) {
    await settle();
    clock.advance(1_000);
  }
  await t.resolves(Promise.all(all));
});

t.test('one that fails makes room', async (t) => {
  const clock = new ManualClock();
  const { begun, fail, all } = ask(new Turns(clock, { atOnce: 1, pauseMs: 1_000 }), new AbortController().signal);
  fail(0);
  await t.rejects(Promise.race(all), { message: 'no' });
  t.strictSame(begun, [0, 1]);
});

t.test('a stop ends all that wait, and none of them begins', async (t) => {
  const clock = new ManualClock();
  const abort = new AbortController();
  const turns = new Turns(clock, { atOnce: 2, pauseMs: 1_000 });
  const { begun, end, all } = ask(turns, abort.signal);
  abort.abort();
  turns.release();
  end(0);
  end(1);
  for (const each of all) await t.rejects(each, ABORT);
  t.strictSame(begun, [0, 1]);
});
