import t from 'tap';
import { readRange } from '../../control/http/byte-range.ts';

t.test('a range is what of ten bytes is asked for', async (t) => {
  const cases: [header: string | undefined, range: ReturnType<typeof readRange>][] = [
    [undefined, undefined],
    ['bytes=0-3', { start: 0, end: 3 }],
    ['bytes=4-', { start: 4, end: 9 }],
    ['bytes=4-99', { start: 4, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-99', { start: 0, end: 9 }],
    ['bytes=9-9', { start: 9, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=999999999999999-', 'unsatisfiable'],
  ];
  for (const [header, range] of cases) t.strictSame(readRange(header, 10), range, header ?? 'none');
});

t.test('what is no single range of bytes is not there', async (t) => {
  const headers = ['', 'bytes=', 'bytes=-', 'bytes=3-1', 'bytes=0-1,4-5', 'lines=0-1', 'bytes=0x1-', 'bytes=1 -2'];
  for (const header of [...headers, 'bytes=9999999999999999-', 'bytes=--1'])
    t.equal(readRange(header, 10), undefined, header);
});

t.test('of nothing there is no range', async (t) => {
  t.equal(readRange('bytes=0-', 0), 'unsatisfiable');
  t.equal(readRange('bytes=-1', 0), 'unsatisfiable');
});
