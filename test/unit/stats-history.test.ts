// The history of usage without a disk: bytes of a slot, its place, and how many slots become few points.
import t from 'tap';
import { HOST_FIGURES, MAX_POINTS, nothingOf, USAGE_FIGURES, type Usage } from '#shared/stats.ts';
import { chooseStretch, foldSlots, hostLook, pointsOf, serviceLook } from '../../agent/stats/history/downsample.ts';
import {
  CAPACITIES,
  capacityFor,
  decodeHeader,
  encodeHeader,
  fileBytes,
  placeOfSlot,
  RETENTION_MS,
  RINGS,
  slotAt,
} from '../../agent/stats/history/layout.ts';
import {
  decodeSlot,
  encodeSlot,
  keyOf,
  slotBytes,
  type ContainerRecord,
  type Slot,
} from '../../agent/stats/history/slot.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.parse('2026-11-01T00:00:00Z');

const usage = (over: Partial<Usage> = {}): Usage => ({ ...nothingOf(USAGE_FIGURES), ...over });
const record = (service: string, container: string, over: Partial<Usage> = {}): ContainerRecord => {
  return { service: keyOf(service), container: keyOf(container), usage: usage(over) };
};
const slot = (at: number, containers: ContainerRecord[] = [], host: Partial<Slot['host']> = {}): Slot => {
  return { at, sampledAt: at, host: { ...nothingOf(HOST_FIGURES), ...host }, containers };
};

t.test('a slot comes back from its bytes, with what is not known', async (t) => {
  const all = { cpuCores: 1.5, memoryBytes: 2 ** 30, rxBytesPerS: 1024, txBytesPerS: 0, pids: 12 };
  const given = slot(NOW, [record('svc_a', 'web', all), record('svc_b', 'db')], { cpuCores: 3.25, temperatureC: 51.5 });
  t.strictSame(decodeSlot(encodeSlot(given), NOW), given);
  t.strictSame(decodeSlot(encodeSlot(given), NOW, keyOf('svc_b'))?.containers, [record('svc_b', 'db')]);
  const worn = Buffer.concat([encodeSlot(given), encodeSlot(given)]);
  t.strictSame(decodeSlot(worn, NOW), given, 'what longer slots have left behind it does not count');
});

t.test('what is not whole, or not of its time, is nothing', async (t) => {
  const bytes = encodeSlot(slot(NOW, [record('svc_a', 'web', { cpuCores: 1 })]));
  t.equal(decodeSlot(bytes, NOW + 10_000), undefined, 'of another time');
  t.equal(decodeSlot(Buffer.alloc(slotBytes(1)), NOW), undefined, 'never written');
  for (let length = 0; length < bytes.length; length++)
    t.notOk(decodeSlot(bytes.subarray(0, length), NOW), `${length}`);
  for (let i = 0; i < bytes.length; i++) {
    const torn = Buffer.concat([bytes.subarray(0, i), Buffer.alloc(bytes.length - i, 0xa5)]);
    t.notOk(decodeSlot(torn, NOW), `written up to byte ${i}`);
  }
});

t.test('a header tells only of a file that is ours and whole', async (t) => {
  for (const capacity of CAPACITIES) t.equal(decodeHeader(encodeHeader(capacity), fileBytes(capacity)), capacity);
  t.equal(decodeHeader(encodeHeader(32), fileBytes(32) - 1), undefined, 'cut off');
  t.equal(decodeHeader(encodeHeader(32), fileBytes(64)), undefined);
  t.equal(decodeHeader(Buffer.from('SQLite format 3\0'.padEnd(64)), fileBytes(32)), undefined, 'foreign');
  t.equal(decodeHeader(Buffer.alloc(0), 0), undefined);
  t.strictSame([0, 32, 33, 200, 9_999].map(capacityFor), [32, 32, 64, 256, 256]);
  t.ok(fileBytes(32) < 14.2e6 && fileBytes(256) < 108.3e6, 'the sizes that the documents state');
});

t.test('no two slots of the time that is kept share a place', async (t) => {
  for (const [ring, kept] of [
    ['fine', HOUR],
    ['coarse', RETENTION_MS],
  ] as const) {
    const { stepMs } = RINGS[ring];
    const places = new Set<number>();
    for (let at = NOW; at <= NOW + kept; at += stepMs) places.add(placeOfSlot(ring, at, 32));
    t.equal(places.size, kept / stepMs + 1);
    t.ok(Math.max(...places) + slotBytes(32) <= fileBytes(32));
  }
  t.equal(slotAt(NOW + 9_999, RINGS.fine), NOW + 10_000, 'a timer that fires a moment early');
});

t.test('a stretch is answered from the ring that has it, in as many steps as fit', async (t) => {
  const choose = (asked: Parameters<typeof chooseStretch>[0]) => chooseStretch(asked, NOW);
  t.strictSame(choose({}), { ring: 'fine', since: NOW - HOUR, until: NOW, stepMs: 10_000 });
  t.match(choose({ stepMs: 25_000 }), { ring: 'fine', stepMs: 30_000 }, 'whole slots');
  t.match(choose({ stepMs: MINUTE }), { ring: 'coarse', stepMs: MINUTE });
  t.match(choose({ since: NOW - HOUR - 1 }), { ring: 'coarse', stepMs: MINUTE });
  t.match(choose({ since: 0, stepMs: 10_000 }), { ring: 'coarse', until: NOW, stepMs: 15 * MINUTE }, 'raised');
  t.equal(choose({ since: 0 }).since, NOW - RETENTION_MS, 'what is kept');
  t.match(choose({ until: NOW + HOUR }), { until: NOW }, 'nothing of what is to come');
  t.match(choose({ since: NOW + HOUR }), { since: NOW + HOUR, until: NOW + HOUR });
  for (let hours = 1; hours <= 200; hours += 7) {
    const stretch = choose({ since: NOW - hours * HOUR + 1234, until: NOW - 4321, stepMs: 10_000 });
    t.ok(pointsOf(HOST_FIGURES, [], stretch).length <= MAX_POINTS, `${hours} h`);
  }
});

t.test('points are means, and a stretch without a measurement is a gap', async (t) => {
  const looks = [
    slot(NOW, [], { cpuCores: 1, load1: 4 }),
    slot(NOW + 10_000, [], { cpuCores: 2 }),
    slot(NOW + 40_000, [], { cpuCores: 5 }),
  ].map(hostLook);
  const stretch = { ring: 'fine', since: NOW, until: NOW + 55_000, stepMs: 20_000 } as const;
  t.strictSame(pointsOf(['cpuCores', 'load1'], looks, stretch), [
    { at: NOW, sampledAt: NOW + 10_000, cpuCores: 1.5, load1: 4 },
    { at: NOW + 20_000, sampledAt: null, cpuCores: null, load1: null },
    { at: NOW + 40_000, sampledAt: NOW + 40_000, cpuCores: 5, load1: null },
  ]);
});

t.test('a service is the sum of its containers, or the one that is asked for', async (t) => {
  const now = slot(NOW, [
    record('svc_a', 'web', { cpuCores: 1, memoryBytes: 10 }),
    record('svc_a', 'db', { cpuCores: null, memoryBytes: 5 }),
    record('svc_b', 'web', { cpuCores: 9, memoryBytes: 9 }),
  ]);
  t.match(serviceLook(now, keyOf('svc_a'))?.figures, { cpuCores: 1, memoryBytes: 15, pids: null });
  t.match(serviceLook(now, keyOf('svc_a'), keyOf('db'))?.figures, { cpuCores: null, memoryBytes: 5 });
  t.equal(serviceLook(now, keyOf('svc_b'), keyOf('db')), undefined, "another's container of that name");
  t.equal(serviceLook(now, keyOf('svc_c')), undefined);
});

t.test('a minute keeps the sum: a container that was there for half of it counts half', async (t) => {
  const folded = foldSlots(
    [
      slot(NOW, [record('svc_a', 'web', { cpuCores: 1, rxBytesPerS: null })], { cpuCores: 2 }),
      slot(NOW + 10_000, [record('svc_a', 'web', { cpuCores: 3 }), record('svc_a', 'job', { cpuCores: 1 })]),
    ],
    NOW,
  );
  t.match(folded, { at: NOW, sampledAt: NOW + 10_000, host: { cpuCores: 2 } });
  t.strictSame(folded.containers, [record('svc_a', 'web', { cpuCores: 2 }), record('svc_a', 'job', { cpuCores: 0.5 })]);
});
