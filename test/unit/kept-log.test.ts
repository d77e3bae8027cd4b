// Names of kept logs, and which of them have to go.
import t from 'tap';
import { toRecords } from '../../agent/kept-logs/followed-tail.ts';
import { startOfLine } from '../../agent/kept-logs/held-log.ts';
import { beyondLimits, nameOf, parseName, type KeptFile } from '../../agent/kept-logs/kept-log.ts';

const AT = Date.parse('2026-03-29T10:00:00.123Z');

t.test('a name tells whose log it was, and is read back', async (t) => {
  const log = { container: 'shop-web_1.old', containerId: '0123456789ab', isTty: false, keptAt: AT };
  t.equal(nameOf(log), '20260329T100000.123Z_0123456789ab_shop-web_1.old.log.gz');
  for (const isTty of [true, false]) t.same(parseName(nameOf({ ...log, isTty })), { ...log, isTty });
  t.equal(nameOf({ ...log, containerId: 'f'.repeat(64) }), '20260329T100000.123Z_ffffffffffff_shop-web_1.old.log.gz');
});

t.test('what is kept of a log begins with a line', async (t) => {
  const record = (log: string) => `${JSON.stringify({ log, stream: 'stdout', time: '2026-03-29T10:00:00Z' })}\n`;
  const rest = record('next\n') + record('last\n');
  const startsWith = (text: string) => text.slice(startOfLine(Buffer.from(text)));
  t.equal(startsWith(record('half of a line\n').slice(5) + rest), rest);
  t.equal(startsWith(record('piece').slice(5) + record('piece') + record('its end\n') + rest), rest);
  t.equal(startsWith('no record at all'), '');
});

t.test('a long line is kept in pieces, as Docker keeps it', async (t) => {
  const time = '2026-03-29T10:00:00.000000000Z';
  const kept = (text: string) => {
    const bytes = Buffer.from(`${time} ${text}`);
    const line = { isStderr: false, bytes, timeAt: 0, from: 31, to: bytes.length, dropped: 0 };
    return toRecords(line)
      .toString()
      .trimEnd()
      .split('\n')
      .map((record) => (JSON.parse(record) as { log: string }).log);
  };
  t.same(kept('short'), ['short\n']);
  t.same(kept(''), ['\n']);
  t.same(
    kept('x'.repeat(40_000)).map(({ length }) => length),
    [16_384, 16_384, 7_233],
  );
  t.same(kept('x'.repeat(16_384)), [`${'x'.repeat(16_384)}\n`]);
});

t.test('what is no name of ours is none', async (t) => {
  for (const name of [
    'notes.txt',
    '20260329T100000.123Z_0123456789ab_web.log.gz.part',
    '20261329T100000.123Z_0123456789ab_web.log.gz',
    '20260329T100000.123Z_0123456789ab_../web.log.gz',
  ])
    t.equal(parseName(name), undefined, name);
});

t.test('the oldest go first: of a service that has too much, then of the host', async (t) => {
  const file = (serviceId: string, keptAt: number, bytes: number): KeptFile => ({
    serviceId,
    path: `${serviceId}${keptAt}`,
    keptAt,
    bytes,
  });
  const paths = (files: KeptFile[], limits = { service: 10, host: 15 }) =>
    beyondLimits(files, limits)
      .map(({ path }) => path)
      .toSorted();
  t.same(paths([file('a', 1, 5), file('a', 2, 5)]), []);
  t.same(paths([file('a', 1, 5), file('a', 2, 5), file('a', 3, 5)]), ['a1']);
  t.same(paths([file('a', 3, 10), file('b', 2, 5), file('b', 1, 5)]), ['b1']);
  t.same(
    paths([file('b', 1, 5), file('a', 9, 8), file('a', 8, 8), file('a', 7, 8)]),
    ['a7', 'a8'],
    'b keeps its place',
  );
  t.same(paths([file('a', 1, 11)]), ['a1'], 'one that is too large by itself');
});
