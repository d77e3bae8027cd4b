import t from 'tap';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import { CLOSE, PING_INTERVAL_MS, SILENCE_LIMIT_MS } from '#shared/protocol/limits.ts';
import { faultCode } from '../support/fault-code.ts';
import { peerPair } from '../support/peer-pair.ts';
import { settle } from '../support/socket-pair.ts';

const never: Handlers['requests'] = { echo: () => new Promise(() => {}) };

/** Moves time in small steps, with a turn of the loop in each, as it passes in life. */
async function pass(clock: { advance(ms: number): void }, totalMs: number, stepMs = 1000): Promise<void> {
  for (let passed = 0; passed < totalMs; passed += stepMs) {
    clock.advance(Math.min(stepMs, totalMs - passed));
    await settle();
  }
}

t.test('a quiet link is pinged every 15 s and stays up', async (t) => {
  const { near, far, nearSocket, clock } = peerPair();
  await pass(clock, 10 * 60_000);
  t.equal(nearSocket.pings, (10 * 60_000) / PING_INTERVAL_MS);
  t.ok(near.isOpen && far.isOpen);
});

t.test(
  'F16: when the network drops both ways, both sides know within 45 s, without a word from the socket',
  async (t) => {
    const { near, far, nearSocket, farSocket, clock } = peerPair({ requests: never });
    await pass(clock, 123_000); // somewhere between two pings
    nearSocket.cut();
    const fault = faultCode(near.request('echo', { data: '' }, { timeoutMs: 1e9 }));
    await pass(clock, SILENCE_LIMIT_MS);
    t.equal(await fault, 'link_closed');
    for (const peer of [near, far]) t.match(await peer.closed, { code: 1006, reason: 'silence' });
    t.ok(nearSocket.isTerminated && farSocket.isTerminated, 'a close frame would wait for an answer');
  },
);

t.test('a link that is only slow to answer pings is not given up before 40 s', async (t) => {
  const { near, nearSocket, clock } = peerPair();
  nearSocket.cut();
  await pass(clock, SILENCE_LIMIT_MS - PING_INTERVAL_MS / 3 - 1000);
  t.ok(near.isOpen);
});

t.test('any frame is a sign of life', async (t) => {
  const { far, farSocket, near, clock } = peerPair({ requests: { echo: (p) => Promise.resolve(p) } });
  farSocket.ping = () => {}; // pings of this side get lost
  for (let i = 0; i < 10; i++) {
    await pass(clock, SILENCE_LIMIT_MS / 3);
    await near.request('echo', { data: '' });
  }
  t.ok(far.isOpen);
});

t.test('a process that was stopped for two minutes and goes on does not take that for silence', async (t) => {
  const { near, clock } = peerPair();
  let jumped = 0;
  const now = clock.now.bind(clock);
  clock.now = () => now() + jumped;
  jumped = 120_000; // timers were frozen, the time of day was not
  await pass(clock, SILENCE_LIMIT_MS * 2);
  t.ok(near.isOpen);
});

t.test('a probe is answered by the next sign of life, and by no within its limit', async (t) => {
  const { near, nearSocket, clock } = peerPair();
  t.equal(await near.probe(3000), true);
  nearSocket.cut();
  const answer = near.probe(3000);
  await pass(clock, 3000);
  t.equal(await answer, false);
  t.ok(near.isOpen, 'asking does not end the link');
});

t.test('a probe ends with the link', async (t) => {
  const { near, nearSocket } = peerPair();
  nearSocket.cut();
  const answer = near.probe(1e9);
  near.destroy(CLOSE.replaced, '');
  t.equal(await answer, false);
  t.equal(await near.probe(1), false);
});

// ── close drains, destroy fails ──────────────────────────────────────────────────────────────────────────────────────

t.test('close waits for what is under way on both sides, then says goodbye', async (t) => {
  const answer = Promise.withResolvers<{ data: string }>();
  const { near, far, nearSocket } = peerPair(
    { requests: { echo: () => answer.promise } },
    { requests: { echo: () => answer.promise } },
  );
  const asked = [near.request('echo', { data: '' }), far.request('echo', { data: '' })];
  await settle();
  const closing = near.close(CLOSE.goingAway, 'stopped');
  await settle();
  t.equal(nearSocket.closeCode, undefined);
  t.equal(await faultCode(near.request('echo', { data: '' })), 'link_closed', 'nothing new from here');
  t.equal(await faultCode(far.request('echo', { data: '' })), 'link_closed', 'nothing new from there');
  answer.resolve({ data: 'done' });
  t.strictSame(await Promise.all(asked), [{ data: 'done' }, { data: 'done' }]);
  await closing;
  for (const peer of [near, far]) t.strictSame(await peer.closed, { code: CLOSE.goingAway, reason: 'stopped' });
});

t.test('close gives up on what is under way after 5 s', async (t) => {
  const { near, clock } = peerPair({ requests: never });
  const fault = faultCode(near.request('echo', { data: '' }));
  await settle();
  const closing = near.close(CLOSE.normal, '');
  await pass(clock, 5000);
  await closing;
  t.equal(await fault, 'link_closed');
});

t.test('close of a half-open link drops the socket after 2 s', async (t) => {
  const { near, nearSocket, clock } = peerPair();
  nearSocket.cut();
  const closing = near.close(CLOSE.normal, '');
  await settle();
  await pass(clock, 2000);
  await closing;
  t.ok(nearSocket.isTerminated);
});

t.test('destroy fails everything at once and does not wait for the far side', async (t) => {
  const { near, nearSocket, clock } = peerPair({ requests: never });
  nearSocket.cut();
  const fault = faultCode(near.request('echo', { data: '' }));
  near.destroy(CLOSE.replaced, 'replaced');
  t.equal(await fault, 'link_closed');
  t.strictSame(await near.closed, { code: CLOSE.replaced, reason: 'replaced' });
  t.equal(nearSocket.closeCode, CLOSE.replaced);
  clock.advance(2000);
  t.ok(nearSocket.isTerminated);
});

t.test('close and destroy may be called again, in any order, and the first word counts', async (t) => {
  const { near, nearSocket } = peerPair();
  const first = near.close(CLOSE.normal, 'first');
  await Promise.all([first, near.close(CLOSE.goingAway, 'second')]);
  near.destroy(CLOSE.fenced, 'third');
  await near.close(CLOSE.normal, 'fourth');
  t.strictSame(await near.closed, { code: CLOSE.normal, reason: 'first' });
  t.equal(nearSocket.closeCode, CLOSE.normal);
});

t.test('destroy during close ends the wait', async (t) => {
  const { near } = peerPair({ requests: never });
  const fault = faultCode(near.request('echo', { data: '' }));
  await settle();
  const closing = near.close(CLOSE.normal, '');
  near.destroy(CLOSE.revoked, 'revoked');
  await closing;
  t.equal(await fault, 'link_closed');
  t.strictSame(await near.closed, { code: CLOSE.revoked, reason: 'revoked' });
});

t.test('after the end every call says `link_closed` or nothing', async (t) => {
  const { near, nearSocket } = peerPair();
  near.destroy(CLOSE.normal, '');
  const sent = nearSocket.sent.length;
  t.equal(await faultCode(near.request('echo', { data: '' })), 'link_closed');
  near.notify('job.progress', { jobId: '', serviceId: '', step: 'pull', state: 'done', at: 0 });
  const reader = near.openStream('logs', { serviceId: 's', tail: 1, since: null, follow: false });
  t.equal(await faultCode(reader.opened), 'link_closed');
  t.equal(await faultCode(reader[Symbol.asyncIterator]().next()), 'link_closed');
  reader.cancel();
  t.equal(nearSocket.sent.length, sent);
});

t.test('a far side that vanishes mid-work fails the asker and tells the worker', async (t) => {
  const told = Promise.withResolvers<unknown>();
  const { near, nearSocket } = peerPair({
    requests: {
      echo: (_, signal) => new Promise(() => signal.addEventListener('abort', () => told.resolve(signal.reason))),
    },
  });
  const fault = faultCode(near.request('echo', { data: '' }));
  await settle();
  nearSocket.terminate();
  t.equal(await fault, 'link_closed');
  t.match(await told.promise, { code: 'link_closed' });
});

t.test('a closed link leaves no timer behind', async (t) => {
  const { near, far, clock } = peerPair({ requests: never });
  near.request('echo', { data: '' }).catch(() => {});
  const closing = near.close(CLOSE.normal, '');
  await settle();
  near.destroy(CLOSE.normal, '');
  await Promise.all([closing, far.closed]);
  await settle();
  t.equal(clock.pending, 0);
});
