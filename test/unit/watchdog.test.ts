// What systemd hears of a program that lives by a clock moved by hand.
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { Scope } from '#shared/lifecycle.ts';
import { silentLogger } from '#shared/log.ts';
import { watchdogMsOf } from '#shared/systemd.ts';
import { startWatchdog, type Standing } from '#shared/watchdog.ts';
import { ManualClock } from '../support/manual-clock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function start(t: Test, options: { limitMs?: number | null; isHeard?: boolean; isDeaf?: boolean } = {}) {
  const { limitMs = 45_000, isHeard = true, isDeaf = false } = options;
  const clock = new ManualClock();
  const scope = new Scope(silentLogger());
  t.teardown(() => scope.stop());
  const said: string[] = [];
  const lines: string[] = [];
  const now: { standing: Standing | Promise<Standing>; looks: number; isDeaf: boolean } = {
    standing: { status: 'works', fault: null },
    looks: 0,
    isDeaf,
  };
  const say = async (words: string) => !now.isDeaf && said.push(words) > 0;
  const systemd = {
    isHeard,
    notifyReady: (status: string) => say(`ready ${status}`),
    notifyAlive: (status?: string) => say(status === undefined ? 'alive' : `alive ${status}`),
    notifyStatus: say,
    notifyStopping: () => say('stopping'),
  };
  const look = () => {
    now.looks += 1;
    return now.standing;
  };
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const watchdog = await startWatchdog({ systemd, limitMs, look, clock, log }, scope);
  const after = async (ms: number) => {
    clock.advance(ms);
    await turn();
    return said.splice(0);
  };
  return { after, said, lines, now, scope, watchdog, clock };
}

t.test('it is ready, then alive three times within the limit, and says a status once', async (t) => {
  const { after, said, now } = await start(t);
  t.strictSame(said.splice(0), ['ready works']);
  t.strictSame([...(await after(15_000)), ...(await after(15_000))], ['alive', 'alive']);
  now.standing = { status: 'offline', fault: null };
  t.strictSame([...(await after(15_000)), ...(await after(15_000))], ['alive offline', 'alive']);
});

for (const [kind, limitMs, news] of [
  ['watched', 45_000, 'alive offline'],
  ['unwatched', null, 'offline'],
] as const) {
  t.test(`words that are lost are said again, ${kind}`, async (t) => {
    const { after, now } = await start(t, { limitMs, isDeaf: true });
    t.strictSame(await after(30_000), []);
    now.isDeaf = false;
    t.strictSame(await after(30_000), ['ready works']);
    now.isDeaf = true;
    now.standing = { status: 'offline', fault: null };
    t.strictSame(await after(30_000), []);
    now.isDeaf = false;
    t.strictSame(await after(30_000), [news]);
  });
}

t.test('a process that a restart would mend is not alive, and says why once', async (t) => {
  const { after, said, now, lines } = await start(t);
  said.splice(0);
  now.standing = { status: 'about to be restarted', fault: 'the journal' };
  t.strictSame([...(await after(15_000)), ...(await after(15_000))], ['about to be restarted']);
  t.match(lines, [/"fault":"the journal"/]);
  now.standing = { status: 'works', fault: null };
  t.strictSame(await after(15_000), ['alive works'], 'a fault that passes is forgiven');
});

t.test('F04: a look that does not end is no sign of life', async (t) => {
  const { after, said, now } = await start(t);
  said.splice(0);
  const stuck = Promise.withResolvers<Standing>();
  now.standing = stuck.promise;
  t.strictSame([...(await after(15_000)), ...(await after(15_000)), ...(await after(15_000))], []);
  t.equal(now.looks, 2, 'and none is begun on top of it');
  stuck.resolve({ status: 'works', fault: null });
  await turn();
  t.strictSame(said, ['alive']);
});

t.test('a change is told soon, many at once as one', async (t) => {
  const { after, said, now, watchdog } = await start(t);
  said.splice(0);
  now.standing = { status: 'offline', fault: null };
  for (let i = 0; i < 10; i++) watchdog.touch();
  t.strictSame(await after(200), ['alive offline']);
  t.strictSame(await after(14_900), [], 'the rhythm goes on from there');
  t.strictSame(await after(100), ['alive']);
});

t.test('changes without end do not keep it from saying that it lives', async (t) => {
  const { said, watchdog, clock } = await start(t);
  said.splice(0);
  for (let i = 0; i < 10; i++) {
    watchdog.touch();
    clock.advance(100);
    await turn();
  }
  t.strictSame(
    said,
    Array.from({ length: 5 }, () => 'alive'),
  );
});

t.test('without a watchdog there is the status alone', async (t) => {
  const { after, said, now } = await start(t, { limitMs: null });
  said.splice(0);
  t.strictSame(await after(30_000), []);
  now.standing = { status: 'offline', fault: null };
  t.strictSame(await after(30_000), ['offline']);
});

t.test('where nobody listens nothing is looked at', async (t) => {
  const { after, said, now, watchdog } = await start(t, { isHeard: false });
  watchdog.touch();
  t.strictSame([...said, ...(await after(60_000))], []);
  t.equal(now.looks, 0);
});

t.test('a stop is its last word', async (t) => {
  const { after, said, scope, watchdog } = await start(t);
  await scope.stop();
  watchdog.touch();
  t.strictSame([...said.splice(0), ...(await after(60_000))], ['ready works', 'stopping']);
});

t.test("systemd's limit is for the process it names", async (t) => {
  t.equal(watchdogMsOf({ WATCHDOG_USEC: '45000000', WATCHDOG_PID: '7' }, 7), 45_000);
  t.equal(watchdogMsOf({ WATCHDOG_USEC: '45000000' }, 7), 45_000);
  t.equal(watchdogMsOf({ WATCHDOG_USEC: '45000000', WATCHDOG_PID: '8' }, 7), null);
  for (const usec of [undefined, '', '0', 'soon']) t.equal(watchdogMsOf({ WATCHDOG_USEC: usec }, 7), null);
});
