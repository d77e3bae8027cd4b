import t from 'tap';
import { Turnstile, TURNSTILE_LIMITS } from '../../control/agents/turnstile.ts';
import { ManualClock } from '../support/manual-clock.ts';

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

t.test('an address has so many places, all of them together so many', (t) => {
  const turnstile = new Turnstile(new ManualClock(), { unfinished: 3, unfinishedPerAddress: 2 });
  const leave = turnstile.enter('a');
  t.ok(leave && turnstile.enter('a'));
  t.equal(turnstile.enter('a'), undefined);
  t.ok(turnstile.enter('b'));
  t.notOk(turnstile.hasRoom('c'), 'the house is full');
  leave?.();
  t.ok(turnstile.enter('a'), 'who has left makes room');
  t.end();
});

t.test('F22: those who find no room are spread over the seconds that letting them in takes', (t) => {
  const turnstile = new Turnstile(new ManualClock());
  const told = times(10_000, () => turnstile.turnAway());
  t.strictSame(
    told,
    told.toSorted((a, b) => a - b),
    'first come, first served',
  );
  const inSecond = (second: number) => told.filter((each) => each === second).length;
  t.strictSame([1, 2, 10, 25].map(inSecond), [400, 400, 400, 400]);
  t.end();
});

t.test('F22: the faster they are let in, the sooner the others are told to come', (t) => {
  const clock = new ManualClock();
  const turnstile = new Turnstile(clock, TURNSTILE_LIMITS);
  clock.advance(1000);
  for (const leave of times(2000, () => turnstile.enter('a'))) leave?.();
  for (let i = 0; i < 1744; i++) turnstile.enter('a')?.();
  clock.advance(1000);
  t.equal(Math.max(...times(4000, () => turnstile.turnAway())), 2, 'two thousand a second');
  t.end();
});

t.test('a flood sends nobody away for longer than half a minute, and is forgotten when it is over', (t) => {
  const clock = new ManualClock();
  const turnstile = new Turnstile(clock);
  t.equal(Math.max(...times(100_000, () => turnstile.turnAway())), 30);
  clock.advance(60_000);
  t.equal(turnstile.turnAway(), 1);
  t.end();
});
