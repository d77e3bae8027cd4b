import t from 'tap';
import { Breaker } from '../../agent/docker/breaker.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Questions are answered by the test, one after the other. */
function start() {
  const clock = new ManualClock();
  const asked: ((isAnswering: boolean) => void)[] = [];
  const limits: number[] = [];
  const ask = (limitMs: number) => {
    limits.push(limitMs);
    return new Promise<boolean>((resolve) => asked.push(resolve));
  };
  const breaker = new Breaker({ ask, clock });
  const changes: (number | null)[] = [];
  breaker.onChange(() => changes.push(breaker.openSince));
  const answer = async (isAnswering: boolean) => {
    asked.at(-1)?.(isAnswering);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, asked, limits, breaker, changes, answer };
}

t.test('one late call is a question, and its answer the end of it', async (t) => {
  const { asked, breaker, changes, answer, clock } = start();
  breaker.doubt();
  t.equal(asked.length, 1);
  t.equal(breaker.openSince, null, 'doubted is not silent');
  await answer(true);
  t.strictSame(changes, []);
  t.equal(clock.pending, 0, 'nothing is asked any more');
});

t.test('many late calls are one question', async (t) => {
  const { asked, breaker } = start();
  for (let i = 0; i < 50; i++) breaker.doubt();
  t.equal(asked.length, 1);
});

t.test('F12: silence opens it, since the question was asked', async (t) => {
  const { clock, breaker, changes, answer } = start();
  const askedAt = clock.now();
  breaker.doubt();
  clock.advance(5_000);
  await answer(false);
  t.equal(breaker.openSince, askedAt);
  t.strictSame(changes, [askedAt]);
});

t.test('F12: it asks on until there is an answer, and tells each change once', async (t) => {
  const { clock, asked, limits, breaker, changes, answer } = start();
  breaker.doubt();
  await answer(false);
  const since = breaker.openSince;
  for (const round of [2, 3, 4]) {
    clock.advance(1_000);
    t.equal(asked.length, round);
    await answer(false);
    t.equal(breaker.openSince, since, 'the age stays');
  }
  breaker.doubt();
  t.equal(asked.length, 4, 'while it is open it asks at its own pace');
  clock.advance(1_000);
  await answer(true);
  t.strictSame(limits, [5_000, 60_000, 60_000, 60_000, 60_000], 'and waits longer for one that is slow');
  t.strictSame(changes, [since, null]);
  t.equal(clock.pending, 0);
});

t.test('a stopped one asks no more, and an answer that comes late changes nothing', async (t) => {
  const { clock, asked, breaker, changes, answer } = start();
  breaker.doubt();
  breaker.stop();
  await answer(false);
  t.strictSame(changes, []);
  await eventually(() => clock.pending === 0);
  breaker.doubt();
  t.equal(asked.length, 1);
});
