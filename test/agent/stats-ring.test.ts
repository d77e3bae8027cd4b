// The file with the history of usage, on a real disk: through restarts, cut-off writes, foreign files and growth.
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '#shared/log.ts';
import { HOST_FIGURES, nothingOf, USAGE_FIGURES } from '#shared/stats.ts';
import { History } from '../../agent/stats/history/history.ts';
import { fileBytes, placeOfSlot } from '../../agent/stats/history/layout.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ROUND_MS = 10_000;
const HOUR = 3600_000;

class Host {
  readonly path: string;
  readonly clock = new ManualClock();
  history: History;

  constructor(t: Test) {
    this.path = join(makeFolder(t, 'agent'), 'stats.ring');
    this.history = this.#open();
    t.teardown(() => this.history.close());
  }

  #open(): History {
    return new History({ path: this.path, clock: this.clock, log: silentLogger() });
  }

  restart(meanwhile: () => void = () => undefined): void {
    this.history.close();
    meanwhile();
    this.history = this.#open();
  }

  /** Each round counts one more core, on the host and in each of these containers of `svc_1`. */
  measure(rounds: number, containers = ['web'], idle: string[] = []): void {
    for (let i = 0; i < rounds; i++) {
      this.clock.advance(ROUND_MS);
      const running = containers.map((name) => {
        return { serviceId: 'svc_1', name, usage: { ...nothingOf(USAGE_FIGURES), cpuCores: this.#cores } };
      });
      const host = { ...nothingOf(HOST_FIGURES), cpuCores: this.#cores };
      this.history.add({ host, containers: running, idle, at: this.clock.now() });
      this.#cores++;
    }
  }
  #cores = 1;

  async hostCores(): Promise<(number | null)[]> {
    return (await this.history.host({})).points.map(({ cpuCores }) => cpuCores);
  }
}

t.test('what was measured is there, and after a restart as well', async (t) => {
  const host = new Host(t);
  host.measure(3);
  const before = await host.hostCores();
  t.strictSame(before.slice(-3), [null, 1, 2], 'the newest begins now');
  host.clock.advance(ROUND_MS);
  t.strictSame((await host.hostCores()).slice(-4), [null, 1, 2, 3]);
  host.restart();
  t.strictSame((await host.hostCores()).slice(-4), [null, 1, 2, 3]);
  t.strictSame((await host.history.service('svc_1', 'web', {})).points.at(-1)?.cpuCores, 3);
});

t.test('while nobody measured there is a gap, and a stopped service uses nothing', async (t) => {
  const host = new Host(t);
  host.measure(2);
  host.clock.advance(2 * ROUND_MS);
  host.measure(1, [], ['svc_1']);
  host.clock.advance(ROUND_MS);
  const { points } = await host.history.service('svc_1', undefined, {});
  t.strictSame(
    points.slice(-5).map(({ cpuCores }) => cpuCores),
    [1, 2, null, null, 0],
  );
  t.strictSame(points.at(-2)?.sampledAt, null);
});

t.test('minutes are kept for seven days and are the means of their rounds', async (t) => {
  const host = new Host(t);
  host.measure(5 + 6, ['web', 'db']); // the clock starts at a full minute: five rounds of it, then six
  host.clock.advance(2 * 24 * HOUR);
  const since = host.clock.now() - 2 * 24 * HOUR - 2 * 60_000;
  const { points, stepMs } = await host.history.service('svc_1', undefined, { since, until: since + 3 * 60_000 });
  t.equal(stepMs, 60_000);
  t.strictSame(
    points.map(({ cpuCores }) => cpuCores).filter((cores) => cores !== null),
    [6, 17],
  );
  host.clock.advance(6 * 24 * HOUR);
  const { points: old } = await host.history.service('svc_1', undefined, { since: 0 });
  t.ok(old.length > 600);
  t.ok(old.every(({ cpuCores }) => cpuCores === null));
});

t.test('an hour goes round the ring, and only the last one is there', async (t) => {
  const host = new Host(t);
  host.measure(800);
  host.clock.advance(ROUND_MS);
  const cores = await host.hostCores();
  t.equal(cores.length, 360);
  t.strictSame([cores[0], cores.at(-1)], [441, 800]);
  t.equal(statSync(host.path).size, fileBytes(32));
});

t.test('a write that was cut off costs its own slot', async (t) => {
  const host = new Host(t);
  host.measure(3);
  const torn = placeOfSlot('fine', host.clock.now(), 32) + 20;
  host.restart(() => {
    const bytes = readFileSync(host.path);
    bytes.fill(0xff, torn, torn + 40);
    writeFileSync(host.path, bytes);
  });
  host.measure(1);
  host.clock.advance(ROUND_MS);
  t.strictSame((await host.hostCores()).slice(-4), [1, 2, null, 4]);
});

t.test('a file that is cut off, foreign or empty is started anew', async (t) => {
  const host = new Host(t);
  for (const [what, spoil] of [
    ['cut off', () => truncateSync(host.path, 100_000)],
    ['foreign', () => writeFileSync(host.path, 'services:\n')],
    ['empty', () => writeFileSync(host.path, '')],
    ['of a newer layout', () => writeFileSync(host.path, readFileSync(host.path).fill('9', 7, 8))],
  ] as const) {
    host.measure(1);
    host.restart(spoil);
    t.ok(
      (await host.hostCores()).every((cores) => cores === null),
      what,
    );
    t.equal(statSync(host.path).size, fileBytes(32), what);
    t.equal(statSync(host.path).mode & 0o777, 0o600);
  }
});

t.test('the file grows with the host and forgets nothing, up to its limit', async (t) => {
  const host = new Host(t);
  const names = (count: number) => Array.from({ length: count }, (_, i) => `web-${i}`);
  host.measure(2);
  host.measure(1, names(33));
  t.equal(statSync(host.path).size, fileBytes(64));
  host.measure(1, names(300));
  host.clock.advance(ROUND_MS);
  t.strictSame((await host.hostCores()).slice(-4), [1, 2, 3, 4]);
  t.equal(statSync(host.path).size, fileBytes(256));
  const { points } = await host.history.service('svc_1', undefined, {});
  t.strictSame(
    points.slice(-4).map(({ cpuCores }) => cpuCores),
    [1, 2, 99, 4 * 256],
  );
  host.restart();
  t.strictSame((await host.hostCores()).slice(-4), [1, 2, 3, 4]);
});

t.test('a clock that jumps leaves a gap and no stranger', async (t) => {
  const host = new Host(t);
  host.measure(1);
  const home = host.clock;
  const ahead = new ManualClock(home.now() + 400 * 24 * HOUR);
  host.history.add({ host: nothingOf(HOST_FIGURES), containers: [], idle: [], at: ahead.now() });
  host.measure(1);
  home.advance(ROUND_MS);
  t.strictSame((await host.hostCores()).slice(-2), [1, 2]);
});

t.test('where there is no place for the file nothing is kept, until there is one', async (t) => {
  const host = new Host(t);
  mkdirSync(host.path);
  host.measure(1);
  await t.rejects(host.history.host({}));
  rmSync(host.path, { recursive: true });
  host.measure(1);
  host.clock.advance(ROUND_MS);
  t.strictSame((await host.hostCores()).slice(-2), [null, 2]);
});
