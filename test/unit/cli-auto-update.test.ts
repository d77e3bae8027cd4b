// Windows as people type them.
import t from 'tap';
import { parseAutoUpdate, printAutoUpdate } from '../../cli/auto-update.ts';

t.test('a window is days, a time, how long and where', async (t) => {
  const parse = (text: string) => parseAutoUpdate(text, 'Asia/Tokyo')?.window;
  t.same(parse('sat,Sun 02:00 4h Europe/Berlin'), {
    days: ['sat', 'sun'],
    start: '02:00',
    duration_minutes: 240,
    time_zone: 'Europe/Berlin',
  });
  t.same(parse(' 23:30  90m '), { start: '23:30', duration_minutes: 90, time_zone: 'Asia/Tokyo' });
  t.equal(parseAutoUpdate('none', 'UTC'), null);
  for (const odd of ['', 'sat', '02:00', 'someday 02:00 4h', '2:00 4h', '02:00 4', '02:00 4h UTC extra']) {
    t.throws(() => parse(odd), { code: 'bad_request', message: /--auto-update/ }, odd);
  }
});

t.test('a window that is printed can be typed', async (t) => {
  for (const text of ['sat,sun 02:00 240m Europe/Berlin', '02:00 15m UTC']) {
    const parsed = parseAutoUpdate(text, 'Asia/Tokyo');
    t.equal(parsed && printAutoUpdate(parsed), text);
  }
});
