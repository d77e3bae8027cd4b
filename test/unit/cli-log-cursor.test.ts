import t from 'tap';
import { LogCursor } from '../../cli/log-cursor.ts';

const at = (seconds: string, container = 'web') => ({ container, timestamp: `2026-03-29T14:30:${seconds}Z` });

void t.test('before the first line there is nowhere to go on from', async (t) => {
  t.equal(new LogCursor().since, undefined);
});

void t.test('after a return each line is shown once, also those that share a timestamp', async (t) => {
  const cursor = new LogCursor();
  const before = [at('01'), at('02.5'), at('02.5')];
  t.same(
    before.map((entry) => cursor.accept(entry)),
    [true, true, true],
  );
  t.equal(cursor.since, at('02.5').timestamp);
  cursor.rewind();
  const again = [at('02.5'), at('02.500000000'), at('02.5'), at('03')];
  t.same(
    again.map((entry) => cursor.accept(entry)),
    [false, false, true, true],
  );
});

void t.test('containers have positions of their own; the one behind decides where to go on', async (t) => {
  const cursor = new LogCursor();
  for (const entry of [at('01', 'db'), at('05', 'web')]) cursor.accept(entry);
  t.equal(cursor.since, at('01').timestamp);
  cursor.rewind();
  const again = [at('01', 'db'), at('02', 'db'), at('03', 'web'), at('05', 'web'), at('06', 'web')];
  t.same(
    again.map((entry) => cursor.accept(entry)),
    [false, true, false, false, true],
  );
});

void t.test('a container quiet for long does not have the others read again', async (t) => {
  const cursor = new LogCursor();
  for (const entry of [at('01', 'db'), at('50', 'web')]) cursor.accept(entry);
  t.equal(cursor.since, '2026-03-29T14:30:40.000Z');
});

void t.test('without a return nothing is dropped, not even a line from the past', async (t) => {
  const cursor = new LogCursor();
  t.same(
    [at('05'), at('04'), at('05')].map((entry) => cursor.accept(entry)),
    [true, true, true],
  );
});

void t.test('nanoseconds count, with and without trailing zeros', async (t) => {
  const cursor = new LogCursor();
  cursor.accept(at('01.000000001'));
  cursor.rewind();
  t.same(
    [at('01'), at('01.000000001'), at('01.000000002')].map((entry) => cursor.accept(entry)),
    [false, false, true],
  );
});
