// `npm run zones [-- seed]`: every change of every zone's clocks from 2020 to 2035 against the model. Takes minutes,
// which is why the suite takes a sample (test/unit/cron-zones.test.ts).
import { compareZone } from './support/compare-zone.ts';

const seed = Number(process.argv[2] ?? 1);
let compared = 0;
let differing = 0;
for (const timeZone of Intl.supportedValuesOf('timeZone')) {
  const { compared: count, differences } = compareZone(timeZone, seed, { years: [2020, 2035], lines: 3 });
  compared += count;
  differing += differences.length;
  for (const difference of differences) console.log(difference);
}
console.log(`seed ${seed}: ${compared} compared, ${differing} differ`);
process.exitCode = differing === 0 ? 0 : 1;
