// Windows on days when the clocks are set, and on all others.
import t from 'tap';
import type { MaintenanceWindow } from '#shared/auto-update.ts';
import { isTimeZone } from '#shared/zoned-time.ts';
import { openingAt } from '../../control/app/updates/window.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace('.000Z', 'Z');

const isOpen = (window: MaintenanceWindow, now: number) => openingAt(window, now) !== undefined;

const night = (more: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({
  start: '02:00',
  durationMinutes: 120,
  timeZone: 'Europe/Berlin',
  ...more,
});

t.test('a window opens at its time of day there, and closes after its minutes', async (t) => {
  const winter: [time: string, open: boolean][] = [
    ['2026-01-15T00:59:59Z', false],
    ['2026-01-15T01:00:00Z', true],
    ['2026-01-15T02:59:59Z', true],
    ['2026-01-15T03:00:00Z', false],
  ];
  for (const [time, open] of winter) t.equal(isOpen(night(), at(time)), open, time);
  t.equal(isOpen(night(), at('2026-07-15T00:00:00Z')), true, 'in summer an hour earlier by UTC');
  t.equal(
    isOpen(night({ timeZone: 'Asia/Kathmandu' }), at('2026-01-14T20:15:00Z')),
    true,
    'a quarter of an hour counts',
  );
});

t.test('one that goes past midnight belongs to the day it opened on', async (t) => {
  const window = night({ days: ['sat'], start: '23:00', durationMinutes: 240, timeZone: 'UTC' });
  const times: [time: string, open: boolean][] = [
    ['2026-01-16T23:30:00Z', false], // Friday
    ['2026-01-17T23:30:00Z', true],
    ['2026-01-18T02:59:00Z', true],
    ['2026-01-18T03:00:00Z', false],
    ['2026-01-18T23:30:00Z', false],
  ];
  for (const [time, open] of times) t.equal(isOpen(window, at(time)), open, time);
  t.equal(iso(openingAt(window, at('2026-01-18T02:59:00Z'))?.opensAt), '2026-01-17T23:00:00Z');
});

t.test('a time that is skipped in spring comes as much later', async (t) => {
  const window = night({ start: '02:30', durationMinutes: 60 }); // 29 March 2026: 02:00 is 03:00
  t.equal(iso(openingAt(window, at('2026-03-29T01:45:00Z'))?.opensAt), '2026-03-29T01:30:00Z', '03:30 there');
  t.equal(isOpen(window, at('2026-03-29T01:15:00Z')), false);
  t.equal(isOpen(window, at('2026-03-29T02:30:00Z')), false);
  t.equal(iso(openingAt(window, at('2026-03-30T00:45:00Z'))?.opensAt), '2026-03-30T00:30:00Z', 'a day later 02:30');
});

t.test('a time that comes twice in autumn opens once, and for its own minutes', async (t) => {
  const window = night({ start: '02:30', durationMinutes: 60 }); // 25 October 2026: 03:00 is 02:00
  const times: [time: string, open: boolean][] = [
    ['2026-10-25T00:29:00Z', false],
    ['2026-10-25T00:30:00Z', true],
    ['2026-10-25T01:29:00Z', true],
    ['2026-10-25T01:30:00Z', false], // 02:30 for the second time
  ];
  for (const [time, open] of times) t.equal(isOpen(window, at(time)), open, time);
  t.equal(iso(openingAt(window, at('2026-10-26T01:45:00Z'))?.opensAt), '2026-10-26T01:30:00Z');
});

t.test('a whole day long, it is open on the longest day as well but for its last hour', async (t) => {
  const window = night({ start: '00:00', durationMinutes: 1440 });
  t.equal(isOpen(window, at('2026-06-01T12:00:00Z')), true);
  t.equal(isOpen(window, at('2026-10-25T21:59:00Z')), true);
  t.equal(isOpen(window, at('2026-10-25T22:30:00Z')), false, 'a day of 25 hours');
  t.equal(isOpen(window, at('2026-03-29T22:30:00Z')), true, 'a day of 23');
});

t.test('where midnight itself is skipped, the day begins later', async (t) => {
  const beirut = night({ start: '00:00', durationMinutes: 60, timeZone: 'Asia/Beirut' }); // 29 March 2026
  t.equal(iso(openingAt(beirut, at('2026-03-28T22:30:00Z'))?.opensAt), '2026-03-28T22:00:00Z', '01:00 there');
});

t.test('where two overlap, it is the later one', async (t) => {
  const window = night({ start: '00:00', durationMinutes: 1440 }); // 30 March 2026 begins 23 hours after the 29th
  t.equal(iso(openingAt(window, at('2026-03-29T22:30:00Z'))?.opensAt), '2026-03-29T22:00:00Z');
});

t.test('a time zone is one by name', async (t) => {
  for (const zone of ['Europe/Berlin', 'UTC', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires'])
    t.ok(isTimeZone(zone), zone);
  for (const zone of ['', '+02:00', 'Europe/Nowhere', 'MEZ ', '../etc', 'x'.repeat(100)])
    t.notOk(isTimeZone(zone), zone);
});
