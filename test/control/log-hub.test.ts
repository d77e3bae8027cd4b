// Following logs at control: one stream of the host for all viewers, each with its own queue.
import t, { type Test } from 'tap';
import { SINGLE, type Message } from '../../control/realtime/log-format.ts';
import { LogHub, type LogRange } from '../../control/realtime/log-hub.ts';
import { LogQueue } from '../../control/realtime/log-queue.ts';
import { LogViewer } from '../../control/realtime/log-viewer.ts';
import { silentLogger } from '#shared/log.ts';
import type { LogEntry } from '#shared/model.ts';
import { systemClock } from '#shared/time.ts';
import { eventually } from '../support/eventually.ts';
import { entry, MemoryLogHost } from '../support/log-lines.ts';

type Shown = LogEntry & { type?: string; missed?: number; state?: string };

function setUp(t: Test) {
  const host = new MemoryLogHost();
  const hub = new LogHub({
    openLogs: (_serviceId, params) => host.openLogs(params),
    onHostUp: (_serviceId, up) => host.onHostUp(up),
    clock: systemClock,
    log: silentLogger(),
  });
  t.teardown(() => hub.close());
  return { host, hub };
}

/** A viewer whose socket takes messages only while it is not stuck. */
class TestViewer {
  readonly shown: Shown[] = [];
  isStuck = false;
  readonly #pending: (() => void)[] = [];
  readonly viewer: LogViewer;

  constructor(queueBytes?: number) {
    const send = (messages: readonly Message[], done: () => void) => {
      for (const message of messages) this.shown.push(JSON.parse(Buffer.from(message).toString('utf8')) as Shown);
      if (this.isStuck) this.#pending.push(done);
      else setImmediate(done);
    };
    this.viewer = new LogViewer({ send }, SINGLE, new LogQueue(queueBytes));
  }

  recover(): void {
    this.isStuck = false;
    for (const done of this.#pending.splice(0)) done();
  }

  get lines(): string[] {
    return this.shown.flatMap((message) => (message.timestamp ? [message.message] : []));
  }

  get missed(): number {
    return this.shown.reduce((sum, message) => sum + (message.missed ?? 0), 0);
  }
}

const LIVE: LogRange = { tail: 0, since: null };
const ALL: LogRange = { tail: null, since: null };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => entry(from + i));
const texts = (from: number, to: number) => range(from, to).map((line) => line.message);

t.test('all viewers of a service share one stream, from the first to the last of them', async (t) => {
  const { host, hub } = setUp(t);
  const viewers = [new TestViewer(), new TestViewer(), new TestViewer()];
  for (const { viewer } of viewers) await hub.join('svc_1', viewer, LIVE);
  t.same(host.opened, [{ tail: 0, since: null, follow: true }]);
  host.write(entry(1), entry(2));
  for (const viewer of viewers) await eventually(() => viewer.lines.length === 2);
  for (const { viewer } of viewers) {
    t.equal(host.followers, 1);
    hub.leave('svc_1', viewer);
  }
  t.equal(host.followers, 0);
  host.write(entry(3));
  await hub.join('svc_1', new TestViewer().viewer, LIVE);
  t.equal(host.opened.length, 2, 'the next viewer opens another one');
});

t.test('F43: a slow viewer loses the oldest lines, knows exactly how many, and holds nobody up', async (t) => {
  const { host, hub } = setUp(t);
  const [slow, fast] = [new TestViewer(20_000), new TestViewer()];
  await hub.join('svc_1', slow.viewer, LIVE);
  await hub.join('svc_1', fast.viewer, LIVE);
  slow.isStuck = true;
  for (let n = 0; n < 20_000; n += 10) host.write(...range(n, n + 10));
  await eventually(() => fast.lines.length === 20_000);
  slow.recover();
  host.write(entry(20_000));
  await eventually(() => slow.lines.at(-1) === 'line 20000');
  t.equal(fast.missed, 0);
  t.same(fast.lines.slice(0, 20_000), texts(0, 20_000));
  t.ok(slow.missed > 10_000);
  t.equal(slow.lines.length + slow.missed, 20_001, 'delivered + missed = written');
  const gapAt = slow.shown.findIndex((message) => message.type === 'gap');
  t.same(slow.shown[gapAt], { type: 'gap', missed: slow.missed });
  t.same(
    slow.lines.slice(gapAt),
    texts(20_001 - (slow.lines.length - gapAt), 20_001),
    'the newest lines follow the gap',
  );
});

t.test('history is stitched to live lines without a hole or a duplicate', async (t) => {
  const { host, hub } = setUp(t);
  host.written.push(...range(0, 1000));
  let next = 1000;
  // While history goes out, lines keep coming: some of them are in both.
  host.onHistoryFrame = () =>
    host.write(entry(next++), entry(next++, { stream: 'stderr' }), entry(next++, { container: 'db-1' }));
  const viewer = new TestViewer();
  await hub.join('svc_1', viewer.viewer, ALL);
  host.write(entry(next++));
  await eventually(() => viewer.lines.at(-1) === `line ${next - 1}`);
  t.ok(next > 1020);
  t.same(viewer.lines, texts(0, next));
});

t.test('tail and since are the host’s to apply', async (t) => {
  const { host, hub } = setUp(t);
  host.written.push(...range(0, 50));
  const viewer = new TestViewer();
  const since = entry(20).timestamp;
  await hub.join('svc_1', viewer.viewer, { tail: 10, since });
  t.match(host.opened, [
    { follow: true, tail: 0 },
    { follow: false, tail: 10, since },
  ]);
  await eventually(() => viewer.lines.length === 10);
  t.same(viewer.lines, texts(40, 50));
});

t.test('a viewer who reads history slowly gets all of it, however much is written meanwhile', async (t) => {
  const { host, hub } = setUp(t);
  host.written.push(...range(0, 500));
  host.linesPerFrame = 10;
  let next = 500;
  // More per frame of history than the queue holds: the live lines must come from history as well.
  host.onHistoryFrame = () => {
    if (next < 3000) host.write(...range(next, (next += 50)));
  };
  const viewer = new TestViewer(2000);
  await hub.join('svc_1', viewer.viewer, ALL);
  host.write(entry(next));
  await eventually(() => viewer.lines.at(-1) === `line ${next}`);
  t.same(viewer.lines, texts(0, next + 1));
  t.equal(viewer.missed, 0);
});

t.test('a viewer who never catches up is brought to the present with an exact count', async (t) => {
  const { host, hub } = setUp(t);
  host.written.push(...range(0, 200));
  host.linesPerFrame = 100;
  let next = 200;
  let frames = 0;
  host.onHistoryFrame = () => {
    if (++frames < 60) host.write(...range(next, (next += 100)));
  };
  const viewer = new TestViewer(2000);
  await hub.join('svc_1', viewer.viewer, ALL);
  host.write(entry(next));
  await eventually(() => viewer.lines.at(-1) === `line ${next}`);
  t.ok(viewer.missed > 0);
  t.equal(viewer.lines.length + viewer.missed, next + 1);
  t.equal(new Set(viewer.lines).size, viewer.lines.length);
});

t.test('a host that went away: viewers are told, and lose nothing when it is back', async (t) => {
  const { host, hub } = setUp(t);
  const viewer = new TestViewer();
  await hub.join('svc_1', viewer.viewer, LIVE);
  host.write(entry(1), entry(2, { container: 'db-1' }));
  await eventually(() => viewer.lines.length === 2);
  host.goDown();
  await eventually(() => viewer.shown.some((message) => message.state === 'host_offline'));
  host.written.push(entry(3), entry(4, { stream: 'stderr' }));
  host.comeUp();
  await eventually(() => viewer.lines.length === 4);
  host.write(entry(5));
  await eventually(() => viewer.lines.length === 5);
  t.same(viewer.lines, texts(1, 6));
  t.same(
    viewer.shown.flatMap(({ state }) => state ?? []),
    ['host_offline', 'resumed'],
  );
});

t.test('viewers of a service that was removed are told and let go', async (t) => {
  const { host, hub } = setUp(t);
  const told: unknown[] = [];
  const send = (_: readonly Message[], done: () => void) => setImmediate(done);
  const viewer = new LogViewer({ send, fail: (error) => told.push(error) }, SINGLE);
  await hub.join('svc_1', viewer, LIVE);
  hub.followServiceLogs('svc_1', { send }, (error) => told.push(error));
  host.isServiceGone = true;
  host.goDown();
  await eventually(() => told.length === 2);
  t.match(told, [{ code: 'not_found' }, { code: 'not_found' }]);
  t.ok(viewer.isClosed);
  t.equal(host.followers, 0);
});

t.test('a host that is away refuses a viewer, and the next try is a new one', async (t) => {
  const { host, hub } = setUp(t);
  host.isUp = false;
  await t.rejects(hub.join('svc_1', new TestViewer().viewer, LIVE), { code: 'host_offline' });
  host.isUp = true;
  await t.resolves(hub.join('svc_1', new TestViewer().viewer, LIVE));
});

t.test('a viewer who leaves while history waits for it frees the host', async (t) => {
  const { host, hub } = setUp(t);
  host.written.push(...range(0, 20_000));
  const viewer = new TestViewer();
  viewer.isStuck = true;
  const joined = hub.join('svc_1', viewer.viewer, ALL);
  await eventually(() => viewer.lines.length > 1000);
  t.ok(viewer.lines.length < 20_000, 'a stuck viewer holds history back');
  hub.leave('svc_1', viewer.viewer);
  await t.rejects(joined, { code: 'cancelled' });
  t.equal(host.followers, 0);
});

t.test('/api/ws gets service.logs messages from now on', async (t) => {
  const { host, hub } = setUp(t);
  const shown: unknown[] = [];
  const send = (messages: readonly Message[], done: () => void) => {
    for (const message of messages) shown.push(JSON.parse(Buffer.from(message).toString('utf8')));
    setImmediate(done);
  };
  host.written.push(entry(1));
  const following = hub.followServiceLogs('svc_1', { send });
  await eventually(() => host.followers === 1);
  host.write(entry(2));
  await eventually(() => shown.length === 1);
  t.same(shown, [{ type: 'service.logs', service_id: 'svc_1', ...entry(2) }]);
  following.close();
  t.equal(host.followers, 0);
  host.isUp = false;
  const failed = new Promise((resolve) => hub.followServiceLogs('svc_1', { send }, resolve));
  t.match(await failed, { code: 'host_offline' });
});
