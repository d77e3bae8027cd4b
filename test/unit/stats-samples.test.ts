// From containers to a service's sample, and which samples are worth a message.
import t from 'tap';
import type { ServiceSample } from '#shared/model.ts';
import { isNews } from '../../agent/stats/news.ts';
import { UsageReport } from '../../agent/stats/report.ts';
import { sampleOf, type MeasuredContainer } from '../../agent/stats/service-sample.ts';

const MIB = 1024 ** 2;

const containerOf = (
  usage: Partial<MeasuredContainer['usage']> = {},
  facts: Partial<MeasuredContainer['facts']> = {},
): MeasuredContainer => ({
  usage: { cpuCores: 0.1, memoryBytes: 10 * MIB, ...usage },
  facts: {
    hasHealthCheck: false,
    failingStreak: 0,
    probedAt: 0,
    probeOutput: '',
    cpuLimit: null,
    memoryLimitBytes: null,
    ...facts,
  },
});

const sample = (...containers: MeasuredContainer[]) =>
  sampleOf({ serviceId: 'svc_1', containers, storageBytes: null, at: 1 });

t.test('a service uses what its containers use together', async (t) => {
  t.match(sample(containerOf(), containerOf({ cpuCores: 0.20004 })), { cpuCores: 0.3, memoryBytes: 20 * MIB });
});

t.test('a container that was seen once adds its memory, not its cores', async (t) => {
  t.match(sample(containerOf(), containerOf({ cpuCores: null })), { cpuCores: 0.1, memoryBytes: 20 * MIB });
  t.match(sample(containerOf({ cpuCores: null })), { cpuCores: null, memoryBytes: 10 * MIB });
  t.match(sample(containerOf({ cpuCores: null, memoryBytes: null })), { cpuCores: null, memoryBytes: null });
});

t.test('a service that does not run uses nothing', async (t) => {
  t.strictSame(sample(), {
    serviceId: 'svc_1',
    cpuCores: 0,
    memoryBytes: 0,
    cpuLimitCores: null,
    memoryLimitBytes: null,
    storageBytes: null,
    lastCheckAt: null,
    consecutiveFailures: null,
    lastOutput: null,
    at: 1,
  });
});

t.test('there is a limit only where every container has one', async (t) => {
  const limited = containerOf({}, { cpuLimit: 0.5, memoryLimitBytes: 64 * MIB });
  t.match(sample(limited, limited), { cpuLimitCores: 1, memoryLimitBytes: 128 * MIB });
  t.match(sample(limited, containerOf({}, { cpuLimit: 0.5 })), { cpuLimitCores: 1, memoryLimitBytes: null });
});

t.test('the worst health check speaks for the service, among equals the latest', async (t) => {
  const checked = (failingStreak: number, probedAt: number) =>
    containerOf({}, { hasHealthCheck: true, failingStreak, probedAt });
  t.match(sample(checked(0, 300), checked(2, 100), containerOf()), { lastCheckAt: 100, consecutiveFailures: 2 });
  t.match(sample(checked(0, 100), checked(0, 300)), { lastCheckAt: 300, consecutiveFailures: 0 });
  t.match(sample(checked(0, 0)), { lastCheckAt: null, consecutiveFailures: null });
});

t.test('what that check said last goes with it, in a few characters that no terminal acts on', async (t) => {
  const saying = (probeOutput: string) => containerOf({}, { hasHealthCheck: true, probedAt: 1, probeOutput });
  t.match(sample(saying('\x1b[31mHTTP 500\x07\nwhy\n')), { lastOutput: '[31mHTTP 500 \nwhy' });
  t.equal(sample(saying('x'.repeat(4096))).lastOutput?.length, 500);
  t.match(sample(saying('')), { lastOutput: null });
});

const TOLD: ServiceSample = { ...sample(containerOf()), memoryBytes: 200 * MIB, storageBytes: 10 * MIB, at: 1_000_000 };
const after = (change: Partial<ServiceSample>): ServiceSample => ({ ...TOLD, at: TOLD.at + 10_000, ...change });

t.test('what nobody would act on is not told', async (t) => {
  for (const change of [{}, { cpuCores: 0.119 }, { memoryBytes: 209 * MIB }, { storageBytes: 10.9 * MIB }])
    t.notOk(isNews(TOLD, after(change)), JSON.stringify(change));
  t.notOk(isNews(after({ memoryBytes: 8 * MIB }), after({ memoryBytes: 11 * MIB })), 'small heaps breathe too');
  t.notOk(isNews(after({ cpuCores: 2 }), after({ cpuCores: 2.1 })), 'busy processes swing');
});

t.test('what changed is told', async (t) => {
  const changes: Partial<ServiceSample>[] = [
    { cpuCores: 0.13 },
    { cpuCores: null },
    { memoryBytes: 211 * MIB },
    { memoryBytes: 180 * MIB },
    { storageBytes: 11 * MIB },
    { storageBytes: null },
    { cpuLimitCores: 1 },
    { memoryLimitBytes: 64 * MIB },
    { consecutiveFailures: 1 },
    { lastCheckAt: 5 },
    { at: TOLD.at + 5 * 60_000 },
    { at: TOLD.at - 3_600_000 },
  ];
  for (const change of changes) t.ok(isNews(TOLD, after(change)), JSON.stringify(change));
  t.ok(isNews(undefined, TOLD));
});

t.test('small steps in one direction add up until they are told', async (t) => {
  const told: number[][] = [];
  const report = new UsageReport((samples) => told.push(samples.map(({ cpuCores }) => cpuCores ?? -1)));
  for (const cpuCores of [0.1, 0.11, 0.119, 0.121, 0.13]) report.add([after({ cpuCores })]);
  t.same(told, [[0.1], [0.121]]);
});

t.test('all is told anew when control is, and a round without news sends nothing', async (t) => {
  const told: string[][] = [];
  const report = new UsageReport((samples) => told.push(samples.map(({ serviceId }) => serviceId)));
  report.tellAll();
  t.same(told, [], 'nothing is known yet');
  const [a, b] = [after({ serviceId: 'a' }), after({ serviceId: 'b' })];
  report.add([a, b]);
  report.add([a, b]);
  t.same(told.splice(0), [['a', 'b']]);
  report.tellAll();
  t.same(told.splice(0), [['a', 'b']]);
  report.add([b]);
  report.add([a, b]);
  t.same(told, [['a']], 'a service that went and came is new');
});

t.test('more services than fit in one message go in several', async (t) => {
  const counts: number[] = [];
  new UsageReport((samples) => counts.push(samples.length)).add(
    Array.from({ length: 1_000 }, (_, i) => after({ serviceId: `svc_${i}` })),
  );
  t.same(counts, [400, 400, 200]);
});
