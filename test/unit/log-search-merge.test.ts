// What many hosts tell as one sequence, and the newest of it, both in bounded memory.
import t from 'tap';
import type { FoundLine } from '../../control/app/api/log-search.ts';
import { Merged } from '../../control/app/log-search/merged.ts';
import { Newest } from '../../control/app/log-search/newest.ts';

const found = (at: number, hostId = 'host_a', container = 'web-1') =>
  ({ timestamp: String(at).padStart(30, '0'), hostId, container, message: `${at}` }) as FoundLine;
const messages = (lines: FoundLine[]) => lines.map(({ message }) => message);

t.test('the newest are kept, whatever the order in which they come', async (t) => {
  const newest = new Newest(3);
  for (const at of [5, 1, 9, 2, 8, 3, 7, 4, 6, 10, 0, 11, 12]) newest.add(found(at));
  t.same(messages(newest.take()), ['12', '11', '10']);
  t.ok(newest.hasDropped);
  const few = new Newest(3);
  for (const at of [1, 3, 2]) few.add(found(at));
  t.same(messages(few.take()), ['3', '2', '1']);
  t.notOk(few.hasDropped);
});

t.test('lines of one time have a fixed order', async (t) => {
  const newest = new Newest(4);
  for (const [host, container] of [
    ['b', 'x'],
    ['a', 'y'],
    ['a', 'x'],
  ] as const)
    newest.add(found(1, host, container));
  t.same(
    newest.take().map(({ hostId, container }) => hostId + container),
    ['ax', 'ay', 'bx'],
  );
});

t.test('what several tell is read in the order in which it comes, to the end', async (t) => {
  const merged = new Merged<number>();
  const tell = async (...numbers: number[]) => {
    for (const each of numbers) await merged.put(each);
  };
  const read = (async () => {
    const all: number[] = [];
    for await (const each of merged) all.push(each);
    return all;
  })();
  await Promise.all([tell(1, 2, 3), tell(10, 20)]);
  merged.end();
  t.same(
    (await read).toSorted((a, b) => a - b),
    [1, 2, 3, 10, 20],
  );
});

t.test('a failure comes after what was told before it', async (t) => {
  const merged = new Merged<number>();
  await merged.put(1);
  merged.end(new RangeError('broken'));
  const all: number[] = [];
  await t.rejects(async () => {
    for await (const each of merged) all.push(each);
  }, /broken/);
  t.same(all, [1]);
});

t.test('who tells more than is read waits, and no longer than somebody reads', async (t) => {
  const merged = new Merged<number>();
  let told = 0;
  const teller = (async () => {
    for (; told < 10_000; told++) await merged.put(told);
  })();
  await new Promise(setImmediate);
  t.ok(told < 1_000, 'memory is bounded');
  for await (const each of merged) if (each === 5_000) break;
  await teller;
  t.equal(told, 10_000, 'nobody is held up by a reader that has left');
});
