import t, { type Test } from 'tap';
import { arrivalOf } from '#shared/protocol/sequence.ts';
import { event, type AgentEvent, type AgentEventBody } from '#shared/protocol/schema.ts';
import { openState, type AgentState } from '../../agent/state/open.ts';
import { OUTBOX_KEEP_MS } from '../../agent/state/outbox.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Random } from '../support/random.ts';

type Body = Exclude<AgentEventBody, { kind: 'gap' }>;
const LIMIT_BYTES = 20_000;

function open(t: Test, clock = new ManualClock(), dir = makeFolder(t, 'agent')) {
  const state = openState(dir, clock, { outboxLimitBytes: LIMIT_BYTES });
  t.teardown(() => state.close());
  return {
    state,
    clock,
    dir,
    append: (...bodies: Body[]) => state.transact(() => bodies.forEach((body) => state.outbox.append(body))),
  };
}

const step = (jobId: string, message = ''): Body => ({
  kind: 'job.step',
  progress: { jobId, serviceId: 'svc_1', step: 'pull', state: 'running', message, at: 1 },
});
const finished = (jobId: string): Body => ({
  kind: 'job.finished',
  result: { jobId, serviceId: 'svc_1', state: 'succeeded', startedAt: 1, finishedAt: 2 },
  report: null,
});
const report = (serviceId: string, reason: string): Body => ({
  kind: 'service.report',
  report: { serviceId, lifecycle: 'running', health: 'healthy', reason, revision: 1, containers: [], at: 1 },
});
const note = (message: string): Body => ({
  kind: 'service.event',
  serviceId: 'svc_1',
  type: 'health',
  status: 'healthy',
  message,
  at: 1,
});

const show = ({ seq, body }: AgentEvent) =>
  body.kind === 'gap' ? `${seq} gap ${body.from}-${body.to} ${JSON.stringify(body.counts)}` : `${seq} ${body.kind}`;
const shown = (state: AgentState, after = 0) => state.outbox.read(after).map(show);

t.test('events get numbers in order and are read back after any of them', (t) => {
  const { state, append } = open(t);
  append(step('a'), finished('a'), note('n'));
  t.strictSame(shown(state), ['1 job.step', '2 job.finished', '3 service.event']);
  t.strictSame(shown(state, 2), ['3 service.event']);
  t.strictSame(state.outbox.range(), { first: 1, last: 3 });
  t.end();
});

t.test('a batch stays under its limit but always holds one event', (t) => {
  const { state, append } = open(t);
  append(step('a', 'x'.repeat(1000)), step('a'), step('a'));
  t.equal(state.outbox.read(0, 500).length, 1);
  t.equal(state.outbox.read(1, 500).length, 2);
  t.end();
});

t.test('an older report of the same service becomes a gap that lost nothing', (t) => {
  const { state, append } = open(t);
  append(report('svc_1', 'first'), report('svc_2', 'other'), report('svc_1', 'second'));
  t.strictSame(shown(state), ['1 gap 1-1 {}', '2 service.report', '3 service.report']);
  append(report('svc_2', 'newer'), report('svc_1', 'third'));
  t.strictSame(shown(state), ['3 gap 1-3 {}', '4 service.report', '5 service.report']);
  t.end();
});

t.test('a gap that reaches back to what control has is cut to what it has not', (t) => {
  const { state, append } = open(t);
  append(report('svc_1', '1'), report('svc_1', '2'), report('svc_1', '3'), report('svc_1', '4'));
  t.strictSame(shown(state, 2), ['3 gap 3-3 {}', '4 service.report']);
  t.end();
});

t.test('past the limit steps go before service events, and results and latest states stay', (t) => {
  const { state, append } = open(t);
  append(finished('a'), report('svc_1', 'kept'), note('kept'));
  for (let i = 0; i < 200; i++) append(step('b', `step ${i}`));
  const kinds = new Map<string, number>();
  for (const { body } of state.outbox.read(0)) kinds.set(body.kind, (kinds.get(body.kind) ?? 0) + 1);
  t.equal(kinds.get('job.finished'), 1);
  t.equal(kinds.get('service.report'), 1);
  t.equal(kinds.get('service.event'), 1);
  const gap = state.outbox.read(0).find(({ body }) => body.kind === 'gap');
  t.ok(gap?.body.kind === 'gap' && (gap.body.counts['job.step'] ?? 0) > 0, 'the gap counts what it dropped');
  t.equal((kinds.get('job.step') ?? 0) + (gap?.body.kind === 'gap' ? (gap.body.counts['job.step'] ?? 0) : 0), 200);
  t.end();
});

const ran = (id: number, output: string): Body => ({
  kind: 'schedule.run',
  run: {
    id: `run_${id}`,
    scheduleId: 'sch_1',
    trigger: 'schedule',
    state: 'succeeded',
    reason: null,
    missed: 0,
    dueAt: id,
    startedAt: id,
    finishedAt: id,
    targets: [{ serviceId: 's', serviceName: 's', state: 'succeeded', reason: null, jobId: null, output }],
  },
});

t.test('past the limit the oldest runs lose what they said and say so, before any record of a run is dropped', (t) => {
  const { state, append } = open(t);
  append(step('a'));
  for (let i = 1; i <= 40; i++) append(ran(i, 'x'.repeat(1000)));
  const runs = state.outbox.read(0).flatMap(({ body }) => (body.kind === 'schedule.run' ? [body.run] : []));
  t.strictSame(
    runs.map(({ id }) => id),
    Array.from({ length: 40 }, (_, i) => `run_${i + 1}`),
  );
  const outputs = runs.map(({ targets }) => targets[0]?.output ?? '');
  t.match(outputs[0], /no room/);
  t.equal(outputs.at(-1), 'x'.repeat(1000));
  t.strictSame(outputs.toSorted(), outputs, 'the oldest first');
  append(ran(40, 'again'));
  t.equal(state.outbox.read(0, 1e9).filter(({ body }) => body.kind === 'schedule.run').length, 40, 'still one state');
  t.end();
});

const given = (jobId: string, cause: string, kind: 'restart' | 'backup' = 'restart'): Body => ({
  kind: 'job.local',
  job: { jobId, serviceId: 'svc_1', kind, cause, at: 1 },
});
const BY_SCHEDULE = 'by schedule each minute';

t.test('F21: a schedule that runs each minute fills no disk: how it began is kept, the rest is counted', (t) => {
  const { state, append } = open(t);
  append(note('first'), given('told', BY_SCHEDULE));
  state.outbox.ack(state.outbox.last);
  append(finished('of control'), finished('told'), note('second'));
  append(given('by hand', 'local'), finished('by hand'), given('saved', BY_SCHEDULE, 'backup'), finished('saved'));
  const runs = 500;
  for (let i = 1; i <= runs; i++) append(given(`job_${i}`, BY_SCHEDULE), finished(`job_${i}`), ran(i, 'x'));
  append(given('begun', BY_SCHEDULE));

  t.ok(state.outbox.waiting().bytes <= LIMIT_BYTES * 1.2, 'what is kept is bounded');
  const bodies = state.outbox.read(2, 1e9).map(({ body }) => body);
  const begun = bodies.flatMap((body) => (body.kind === 'job.local' ? [body.job.jobId] : []));
  const ended = bodies.flatMap((body) => (body.kind === 'job.finished' ? [body.result.jobId] : []));
  t.strictSame(begun.slice(0, 3), ['by hand', 'saved', 'job_1']);
  t.equal(begun.at(-1), 'begun', 'what has not ended stays');
  t.strictSame(ended, ['of control', 'told', ...begun.slice(0, -1)], 'no end without its beginning');
  const kept = bodies.flatMap((body) => (body.kind === 'schedule.run' ? [body.run.id] : []));
  t.equal(kept[0], 'run_1');
  const counts = bodies.flatMap((body) => (body.kind === 'gap' ? [body.counts] : []));
  const lost = (kind: string) => counts.reduce((sum, each) => sum + (each[kind] ?? 0), 0);
  t.equal(lost('schedule.run') + kept.length, runs);
  t.equal(lost('job.local') + begun.length, runs + 3);
  t.equal(lost('job.finished') + ended.length, runs + 4);
  t.equal(lost('service.event'), 0);
  t.end();
});

t.test('F21: of what happened to services the oldest is kept', (t) => {
  const { state, append } = open(t);
  for (let i = 1; i <= 300; i++) append(note(`event ${i}`));
  const kept = state.outbox.read(0, 1e9).flatMap(({ body }) => (body.kind === 'service.event' ? [body.message] : []));
  t.strictSame(
    kept.slice(0, 50),
    Array.from({ length: 50 }, (_, i) => `event ${i + 1}`),
  );
  t.equal(kept.at(-1), 'event 300', 'and what is new until there is no room again');
  t.end();
});

t.test('ends of jobs that control gave are kept past every limit', (t) => {
  const { state, append } = open(t);
  for (let i = 0; i < 300; i++) append(finished(`job_${i}`), step('a', 'x'.repeat(100)));
  const kinds = Map.groupBy(state.outbox.read(0, 1e9), ({ body }) => body.kind);
  t.equal(kinds.get('job.finished')?.length, 300);
  t.ok((kinds.get('job.step')?.length ?? 0) < 100, 'steps still go');
  t.end();
});

t.test('past the limit what control has goes first and leaves no gap', (t) => {
  const { state, append } = open(t);
  for (let i = 0; i < 60; i++) append(step('a', 'x'.repeat(50)));
  state.outbox.ack(60);
  for (let i = 0; i < 60; i++) append(step('b', 'x'.repeat(50)));
  t.notOk(shown(state).some((line) => line.includes('gap')));
  t.ok(state.outbox.range().first > 1);
  t.equal(state.outbox.read(60).length, 60);
  t.end();
});

t.test('acknowledged events are kept a day for a control plane restored from a backup', (t) => {
  const { state, clock, append } = open(t);
  append(step('a'), finished('a'));
  state.outbox.ack(2);
  clock.advance(OUTBOX_KEEP_MS - 1);
  state.outbox.prune();
  state.transact(() => state.outbox.resume(1));
  t.strictSame(shown(state), ['1 job.step', '2 job.finished']);
  state.outbox.ack(2);
  clock.advance(1);
  state.outbox.prune();
  t.strictSame(state.outbox.range(), { first: 3, last: 2 });
  t.end();
});

t.test('events that control has not got do not age away', (t) => {
  const { state, clock, append } = open(t);
  append(step('a'), step('a'));
  state.outbox.ack(1);
  clock.advance(7 * OUTBOX_KEEP_MS);
  state.outbox.prune();
  t.strictSame(shown(state), ['2 job.step']);
  t.end();
});

t.test('control restored to before what is kept is told of a gap', (t) => {
  const { state, clock, append } = open(t);
  append(step('a'), step('a'), step('a'));
  state.outbox.ack(3);
  clock.advance(OUTBOX_KEEP_MS);
  state.outbox.prune();
  append(finished('b'));
  state.transact(() => state.outbox.resume(2));
  t.strictSame(shown(state, 1), ['3 gap 2-3 {"acknowledged":2}', '4 job.finished']);
  t.end();
});

t.test('a host restored from a snapshot moves its events behind what control knows', (t) => {
  const { state, append } = open(t);
  append(step('a'), finished('a'));
  state.transact(() => state.outbox.resume(100));
  t.strictSame(shown(state, 99), ['100 job.step', '101 job.finished']);
  append(step('b'));
  t.strictSame(shown(state, 101), ['102 job.step']);
  t.end();
});

t.test('numbers go on after a restart with an empty outbox', (t) => {
  const { state, clock, dir, append } = open(t);
  append(step('a'), step('a'));
  state.outbox.ack(2);
  clock.advance(OUTBOX_KEEP_MS);
  state.transact(() => state.outbox.prune());
  state.close();
  const again = open(t, clock, dir);
  again.append(step('b'));
  t.strictSame(shown(again.state), ['3 job.step']);
  t.end();
});

t.test('a transaction that fails takes no number', (t) => {
  const { state, append } = open(t);
  append(step('a'));
  t.throws(() =>
    state.transact(() => {
      state.outbox.append(step('a'));
      throw new RangeError('after the append');
    }),
  );
  append(step('a'));
  t.strictSame(shown(state), ['1 job.step', '2 job.step']);
  t.end();
});

t.test('events are announced after the commit, and only when there are any', (t) => {
  const { state, append } = open(t);
  const seen: number[] = [];
  state.onEvents(() => seen.push(state.outbox.last));
  state.transact(() => state.meta.raise('epoch', 4));
  append(step('a'), step('a'));
  t.strictSame(seen, [2]);
  t.end();
});

/** Control as it must be: commits a batch or crashes before it can say so, and counts what it was told. */
class FakeControl {
  last = 0;
  results: string[] = [];
  reasons = new Map<string, string>();
  told = 0;

  receive(events: AgentEvent[]): void {
    for (const each of events) {
      if (arrivalOf(each, this.last) === 'hole') throw new RangeError(`hole: ${this.last} then ${show(each)}`);
      if (arrivalOf(each, this.last) === 'repeat') continue;
      event().parse(each);
      this.last = each.seq;
      const { body } = each;
      if (body.kind === 'job.finished') this.results.push(body.result.jobId);
      if (body.kind === 'service.report') this.reasons.set(body.report.serviceId, body.report.reason ?? '');
      if (body.kind === 'gap') for (const count of Object.values(body.counts)) this.told += count;
      if (body.kind === 'job.step' || body.kind === 'service.event') this.told += 1;
    }
  }
}

for (let seed = 1; seed <= 40; seed++) {
  t.test(`A35: whatever happens, control sees no hole and loses nothing untold (seed ${seed})`, (t) => {
    const random = new Random(seed);
    const ackRate = seed % 2 === 0 ? 1 : 0.7;
    let { state, clock, dir, append } = open(t);
    const control = new FakeControl();
    const sent = { results: [] as string[], reasons: new Map<string, string>(), counted: 0 };

    const make: (() => void)[] = [
      () => (append(step(`j${seed}`, 'x'.repeat(random.int(0, 900)))), (sent.counted += 1)),
      () => (append(note('y'.repeat(random.int(0, 300)))), (sent.counted += 1)),
      () => {
        const id = `job_${sent.results.length}`;
        append(finished(id));
        sent.results.push(id);
      },
      () => {
        const [id, reason] = [`svc_${random.int(1, 3)}`, `r${random.int(0, 1e6)}`];
        append(report(id, reason));
        sent.reasons.set(id, reason);
      },
    ];
    const deliver = () => {
      control.receive(state.outbox.read(control.last, random.int(100, 4000)));
      if (random.next() < ackRate) state.outbox.ack(control.last);
    };
    const crash = () => {
      state.close();
      ({ state, append } = open(t, clock, dir));
      state.transact(() => state.outbox.resume(control.last + 1));
    };
    const tick = () => (clock.advance(random.int(0, OUTBOX_KEEP_MS / 4)), state.transact(() => state.outbox.prune()));
    const operations = [...make, ...make, ...make, ...make, deliver, deliver, crash, tick];

    for (let i = 0; i < 300; i++) random.pick(operations)();
    while (control.last < state.outbox.last) control.receive(state.outbox.read(control.last));

    t.strictSame(control.results, sent.results, 'every result once, in order');
    t.strictSame(control.reasons, sent.reasons, 'the latest of every state');
    t.ok(control.told >= sent.counted, 'everything else delivered or counted in a gap');
    if (ackRate === 1) t.equal(control.told, sent.counted, 'and counted once');
    t.end();
  });
}
