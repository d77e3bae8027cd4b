import t, { type Test } from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { silentLogger } from '#shared/log.ts';
import type { CloseInfo } from '#shared/protocol/peer-types.ts';
import type { AgentEvent } from '#shared/protocol/schema.ts';
import { pumpOutbox, type PumpPeer } from '../../agent/link/outbox-pump.ts';
import { openState } from '../../agent/state/open.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Control's end of the link: takes batches and answers as the test says. */
class FakeControl {
  readonly batches: AgentEvent[][] = [];
  readonly #closed = Promise.withResolvers<CloseInfo>();
  closeCode: number | undefined;
  answer: (events: AgentEvent[]) => Promise<number> = (events) => Promise.resolve(events.at(-1)?.seq ?? 0);

  readonly peer: PumpPeer = {
    closed: this.#closed.promise,
    destroy: (code, reason) => this.hangUp(code, reason),
    request: async (_method, params) => {
      const events = (params as { events: AgentEvent[] }).events;
      this.batches.push(events);
      return { acked: await this.answer(events) } as never;
    },
  };

  get seqs(): number[] {
    return this.batches.flat().map(({ seq }) => seq);
  }

  hangUp(code = 1006, reason = ''): void {
    this.closeCode = code;
    this.#closed.resolve({ code, reason });
  }
}

function start(t: Test, control = new FakeControl(), nextEventSeq = 1) {
  const clock = new ManualClock();
  const state = openState(makeFolder(t, 'agent'), clock);
  const append = (count: number, message = '') =>
    state.transact(() => {
      for (let i = 0; i < count; i++) {
        const event = { serviceId: 'svc_1', type: 'health', status: 'healthy', message, at: 1 };
        state.outbox.append({ kind: 'service.event', ...event });
      }
    });
  const run = () => pumpOutbox({ state, clock, log: silentLogger() }, control.peer, nextEventSeq);
  t.teardown(() => {
    control.hangUp();
    state.close();
  });
  return { control, state, clock, append, run };
}

t.test('what waited and what comes later is delivered in order', async (t) => {
  const { control, append, run } = start(t);
  append(3);
  const ended = run();
  await eventually(() => control.seqs.length === 3);
  append(2);
  await eventually(() => control.seqs.length === 5);
  t.strictSame(control.seqs, [1, 2, 3, 4, 5]);
  control.hangUp();
  await ended;
});

t.test('one batch is under way at a time, and the next takes all that came meanwhile', async (t) => {
  const { control, append, run } = start(t);
  const gate = Promise.withResolvers<number>();
  control.answer = () => gate.promise;
  void run();
  append(1);
  await eventually(() => control.batches.length === 1);
  for (let i = 0; i < 10; i++) append(1);
  t.equal(control.batches.length, 1);
  gate.resolve(1);
  control.answer = (events) => Promise.resolve(events.at(-1)?.seq ?? 0);
  await eventually(() => control.batches.length === 2);
  t.equal(control.batches[1]?.length, 10);
});

t.test('batches stay under 256 KiB', async (t) => {
  const { control, append, run } = start(t);
  append(300, 'x'.repeat(4000));
  void run();
  await eventually(() => control.seqs.length === 300);
  t.ok(control.batches.length >= 5);
  t.ok(control.batches.every((events) => JSON.stringify(events).length <= 256 * 1024));
});

t.test('a new link starts where control says it stands', async (t) => {
  const { control, append, run } = start(t, new FakeControl(), 3);
  append(4);
  void run();
  await eventually(() => control.seqs.length > 0);
  t.strictSame(control.seqs, [3, 4]);
});

t.test('after a lost acknowledgement the same events go out again on the next link', async (t) => {
  const { control, state, clock, append, run } = start(t);
  control.answer = () => new Promise(() => {});
  append(2);
  void run();
  await eventually(() => control.batches.length === 1);
  control.hangUp();
  const next = new FakeControl();
  void pumpOutbox({ state, clock, log: silentLogger() }, next.peer, 1);
  await eventually(() => next.seqs.length === 2);
  t.strictSame(next.seqs, [1, 2]);
  next.hangUp();
});

t.test('control that cannot store events is asked again after a while, on the same link', async (t) => {
  const { control, clock, append, run } = start(t);
  control.answer = () => Promise.reject(new LongshoreError('storage_full'));
  append(1);
  void run();
  await eventually(() => control.batches.length === 1 && clock.pending === 1);
  control.answer = (events) => Promise.resolve(events.at(-1)?.seq ?? 0);
  clock.advance(2000);
  await eventually(() => control.batches.length === 2);
  t.strictSame(control.seqs, [1, 1]);
  t.equal(control.closeCode, undefined);
});

for (const [what, acked] of [
  ['beyond what was sent', 7],
  ['before what was sent', 0],
] as const) {
  t.test(`A35: an acknowledgement ${what} ends the link`, async (t) => {
    const { control, state, append, run } = start(t);
    control.answer = () => Promise.resolve(acked);
    append(2);
    await run();
    t.equal(control.closeCode, 4400);
    t.equal(state.outbox.read(0).length, 2, 'and nothing is taken as delivered');
  });
}

t.test('a link that closes while nothing is to do ends the pump', async (t) => {
  const { control, run } = start(t);
  const ended = run();
  control.hangUp();
  await ended;
  t.pass();
});
