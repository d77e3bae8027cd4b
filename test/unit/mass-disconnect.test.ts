import t from 'tap';
import { judgeAbsences, WINDOW_MS, type Absences, type Loss } from '../../control/app/incidents/mass-disconnect.ts';
import { Random } from '../support/random.ts';

/** Seconds at which hosts a, b, c, … were lost. */
const lost = (...seconds: number[]): Loss[] =>
  seconds.map((at, i) => ({ hostId: String.fromCodePoint(97 + i), at: at * 1000 }));

const judge = (seconds: number, gone: Loss[], rest: Partial<Absences> = {}) => {
  const { together, alone } = judgeAbsences({ told: 10, gone, latestLossAt: null, now: seconds * 1000, ...rest });
  const idsOf = (losses: readonly Loss[]) => losses.map(({ hostId }) => hostId).join('');
  return `${idsOf(together)}|${idsOf(alone)}`;
};

t.test('nobody is told of a host before it had its time to come back', async (t) => {
  t.equal(judge(29.9, lost(0)), '|');
  t.equal(judge(30, lost(0)), '|a');
  t.equal(judge(29.9, lost(0, 0, 0)), '|');
});

t.test('three hosts lost within 30 s are one incident, two are two alerts', async (t) => {
  t.equal(judge(30, lost(0, 15, 30)), 'abc|');
  t.equal(judge(30, lost(0, 15)), '|a');
  t.equal(judge(45, lost(15)), '|a');
  t.equal(judge(31, lost(0, 15, 31)), '|a', 'the third came too late');
});

t.test('one in five is the least in a large fleet', async (t) => {
  const three = lost(0, 0, 0);
  t.equal(judge(30, three, { told: 15 }), 'abc|');
  t.equal(judge(30, three, { told: 16 }), '|abc');
  t.equal(judge(30, lost(0, 0, 0, 0), { told: 16 }), 'abcd|');
  t.equal(judge(30, lost(0, 0), { told: 2 }), '|ab', 'never fewer than three');
});

t.test('fifty are a mass, however large the fleet', async (t) => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ hostId: `h${i}`, at: 0 }));
  const together = (count: number) =>
    judgeAbsences({ told: 10_000, gone: many(count), latestLossAt: null, now: WINDOW_MS }).together.length;
  t.equal(together(49), 0);
  t.equal(together(50), 50);
});

t.test('those that are back do not count, those lost at another time are alone', async (t) => {
  t.equal(judge(100, lost(0, 60, 61, 62)), 'bcd|a');
  t.equal(judge(100, lost(0, 1, 2, 60)), 'abc|d');
});

t.test('what is lost soon after the latest loss of an open incident belongs to it', async (t) => {
  const open = { latestLossAt: 0 };
  t.equal(judge(60, lost(30), open), 'a|');
  t.equal(judge(61, lost(31), open), '|a');
  t.equal(judge(59, lost(30), open), '|', 'it has its time to come back as well');
  t.equal(judge(90, lost(30, 60), open), 'ab|', 'one leads to the next');
});

t.test('by chance: how often one looks does not decide what becomes of a host', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const gone = Array.from({ length: random.int(1, 12) }, (_, i) => ({
      hostId: `h${i}`,
      at: random.int(0, 120) * 1000,
    }));
    t.strictSame(watchEvery(1, gone), watchEvery(7, gone), `seed ${seed}`);
  }
});

/** What is said of each host by somebody who looks that often and remembers whom they told of. */
function watchEvery(seconds: number, losses: readonly Loss[]): Record<string, string> {
  const said: Record<string, string> = {};
  for (let now = 0; now <= 200_000 + WINDOW_MS; now += seconds * 1000) {
    const gone = losses.filter(({ hostId, at }) => at <= now && said[hostId] === undefined);
    const whole = losses.filter(({ at }) => at <= now);
    for (const loss of gone) {
      const { together, alone } = judgeAbsences({ told: 15, gone: whole, latestLossAt: null, now });
      if (together.includes(loss)) said[loss.hostId] = 'together';
      if (alone.includes(loss)) said[loss.hostId] = 'alone';
    }
  }
  return said;
}
