// Merging containers by time, the last lines, and where a reader stands.
import t from 'tap';
import { lastLines, mergeFrames } from '../../agent/docker/log-merge.ts';
import { LogCursor, toLogFrame } from '#shared/protocol/log-frame.ts';
import type { LogEntry } from '#shared/model.ts';
import { entry, fromFrame, toFrame } from '../support/log-lines.ts';

/** A source that gives its lines in frames of the given sizes. */
async function* source(entries: LogEntry[], size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < entries.length; at += size) yield toFrame(entries.slice(at, at + size));
}

async function collect(frames: AsyncIterable<Buffer>): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const frame of frames) entries.push(...fromFrame(frame));
  return entries;
}

const range = (from: number, to: number, step = 1, over: Partial<LogEntry> = {}) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => entry(from + i * step, over));

t.test('merge', async (t) => {
  const a = range(0, 9000, 3, { container: 'a-1' });
  const b = range(1, 9000, 3, { container: 'b-1' });
  const c = range(4000, 4500, 1, { container: 'c-1' });
  const inTime = [...a, ...b, ...c].toSorted((x, y) =>
    x.timestamp < y.timestamp ? -1 : x.timestamp > y.timestamp ? 1 : 0,
  );

  t.test('is in the order of time and loses nothing', async (t) => {
    const merged = await collect(mergeFrames([source(a, 7), source(b, 500), source([], 1), source(c, 1)]));
    t.same(
      merged.map((line) => line.timestamp),
      inTime.map((line) => line.timestamp),
    );
    for (const lines of [a, b, c])
      t.same(
        merged.filter((line) => line.container === lines[0]?.container),
        lines,
      );
  });

  t.test('frames stay within 64 KiB', async (t) => {
    for await (const frame of mergeFrames([source(a, 600), source(c, 600)])) {
      if (frame.length > 64 * 1024) t.fail(`a frame of ${frame.length}`);
    }
  });

  t.test('a source that fails fails the merge and closes the others', async (t) => {
    let isClosed = false;
    async function* open() {
      try {
        yield* source(a, 10);
      } finally {
        isClosed = true;
      }
    }
    async function* broken() {
      yield toFrame(b.slice(0, 1));
      throw new Error('broken');
    }
    await t.rejects(collect(mergeFrames([open(), broken()])), { message: 'broken' });
    t.equal(isClosed, true);
  });
});

t.test('last lines', async (t) => {
  const lines = range(0, 1000);
  for (const count of [1, 99, 100, 101, 999, 1000, 5000]) {
    t.same(await collect(lastLines(source(lines, 100), count)), lines.slice(-count), `the last ${count}`);
  }
  const long = Array.from({ length: 2000 }, (_, n) => entry(n, { message: 'l'.repeat(16_000) }));
  const kept = await collect(lastLines(source(long, 3), 2000));
  t.ok(kept.length > 900 && kept.length < 1100, 'no more than 16 MiB are held');
  t.same(kept.at(-1), long.at(-1));
});

t.test('cursor', async (t) => {
  t.test('leaves out what was seen, for each stream of each container on its own', async (t) => {
    const cursor = new LogCursor();
    const first = [entry(10), entry(12, { stream: 'stderr' }), entry(11), entry(5, { container: 'db-1' })];
    t.same(cursor.take(toFrame(first)), toFrame(first));
    cursor.skipSeen();
    t.equal(cursor.isSkipping, true);
    const again = [
      ...first,
      entry(12),
      entry(13, { stream: 'stderr' }),
      entry(6, { container: 'db-1' }),
      entry(1, { container: 'new' }),
    ];
    t.same(fromFrame(cursor.take(toFrame(again))), again.slice(4));
    t.equal(cursor.isSkipping, false);
    t.same(fromFrame(cursor.take(toFrame([entry(3)]))), [entry(3)], 'a clock that was set back hides nothing later');
  });

  t.test('an untouched frame is passed on without a copy', async (t) => {
    const frame = toFrame(range(0, 50));
    t.equal(new LogCursor().take(frame), frame);
  });

  t.test('resumes at its oldest stream, but not before the bound', async (t) => {
    const cursor = new LogCursor();
    t.equal(cursor.resumePoint(60_000), undefined);
    cursor.take(toFrame([entry(20_000_000), entry(30_000_000, { container: 'db-1' })]));
    t.equal(cursor.resumePoint(60_000), entry(20_000_000).timestamp);
    t.equal(cursor.resumePoint(2000), '2026-03-29T10:00:28.000Z');
  });

  t.test('what is no frame of lines is a violation', async (t) => {
    t.throws(() => toLogFrame(Buffer.from('{"half":')), { code: 'protocol_violation' });
    t.throws(() => new LogCursor().take(Buffer.from('{}\n')), { code: 'protocol_violation' });
    t.throws(() => new LogCursor().take(Buffer.from(`${'x'.repeat(200)}\n`)), { code: 'protocol_violation' });
  });
});
