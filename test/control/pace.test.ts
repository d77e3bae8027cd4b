import t from 'tap';
import { Pace } from '../../control/app/pace.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start() {
  const clock = new ManualClock();
  const listeners: (() => void)[] = [];
  const onCommit = (listener: () => void) => {
    listeners.push(listener);
    return () => undefined;
  };
  const looks: number[] = [];
  const pace = new Pace({ onCommit }, clock);
  /** Looks, if it is time: finds this, and takes so long. */
  const look = (isSettled: boolean, tookMs = 0) =>
    pace.rests(() => {
      looks.push(clock.elapsed());
      clock.advance(tookMs);
      return isSettled;
    });
  return { clock, looks, look, commit: () => listeners.forEach((listener) => listener()) };
}

t.test('it is looked at once, and again when something was committed', (t) => {
  const { looks, look, commit } = start();
  t.ok(look(true));
  t.ok(look(true));
  t.equal(looks.length, 1);
  commit();
  t.ok(look(true));
  t.equal(looks.length, 2);
  t.end();
});

t.test('what is not as it should be is looked at until it is', (t) => {
  const { looks, look } = start();
  t.notOk(look(false));
  t.notOk(look(false));
  t.ok(look(true));
  t.ok(look(true));
  t.equal(looks.length, 3);
  t.end();
});

t.test('a look that takes long is followed by a rest of twenty times as long', (t) => {
  const { clock, looks, look, commit } = start();
  look(true, 300);
  commit();
  clock.advance(5_600);
  t.ok(look(true));
  t.equal(looks.length, 1);
  clock.advance(100);
  look(true);
  t.equal(looks.length, 2);
  t.end();
});

t.test('a commit while it is looked at is looked at next time', (t) => {
  const { looks, look, commit } = start();
  look(true);
  commit();
  look(true);
  commit();
  look(true);
  t.equal(looks.length, 3);
  t.end();
});
