// Schedules through changes of the clocks, against cron(8) lived through minute by minute. `npm run zones` does all
// changes of all zones; here a quarter of the zones has one year of them, others at each run.
import t from 'tap';
import { compareZone } from '../support/compare-zone.ts';

t.test('F37: in any IANA zone a line runs when the model does', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const zones = Intl.supportedValuesOf('timeZone').filter((_, i) => (seed + i) % 4 === 0);
  const results = zones.map((zone, i) => {
    const year = 2020 + ((seed + i) % 16);
    return compareZone(zone, seed + i, { years: [year, year], lines: 1 });
  });
  t.strictSame(
    results.flatMap(({ differences }) => differences),
    [],
  );
  t.ok(zones.length > 100, `${zones.length} zones`);
});
