import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { encodeFrame, type Frame } from '#shared/protocol/codec.ts';
import type { Handlers } from '#shared/protocol/peer-types.ts';
import { BUFFERED_LIMIT_BYTES, CLOSE, MAX_FRAME_BYTES } from '#shared/protocol/limits.ts';
import { faultCode } from '../support/fault-code.ts';
import { lonePeer, peerPair } from '../support/peer-pair.ts';
import { settle } from '../support/socket-pair.ts';

const echo: Handlers['requests'] = { echo: (params) => Promise.resolve(params) };
const progress = { jobId: 'job_1', serviceId: 'svc_1', step: 'pull', state: 'running', at: 1 } as const;
const lastFrame = (sent: (string | Uint8Array)[]) => JSON.parse(sent.at(-1) as string) as Frame;

t.test('a request comes back with its result', async (t) => {
  const { near } = peerPair({ requests: echo });
  t.strictSame(await near.request('echo', { data: 'x' }), { data: 'x' });
});

t.test('both sides may ask at the same time with the same ids', async (t) => {
  const { near, far } = peerPair({ requests: echo }, { requests: { echo: () => Promise.resolve({ data: 'near' }) } });
  t.strictSame(await Promise.all([near.request('echo', { data: 'far' }), far.request('echo', { data: '' })]), [
    { data: 'far' },
    { data: 'near' },
  ]);
});

t.test('answers may come in any order', async (t) => {
  const first = Promise.withResolvers<{ data: string }>();
  const { near } = peerPair({
    requests: { echo: ({ data }) => (data === '1' ? first.promise : Promise.resolve({ data })) },
  });
  const slow = near.request('echo', { data: '1' });
  t.strictSame(await near.request('echo', { data: '2' }), { data: '2' });
  first.resolve({ data: 'late' });
  t.strictSame(await slow, { data: 'late' });
});

t.test('an error of the handler arrives with code, text, details and fields, and without its cause', async (t) => {
  const error = new LongshoreError('stale', {
    message: 'm',
    details: 'd',
    fields: { a: 'b' },
    cause: new TypeError('secret'),
  });
  const { near, farSocket } = peerPair({ requests: { echo: () => Promise.reject(error) } });
  await t.rejects(near.request('echo', { data: '' }), {
    code: 'stale',
    message: 'm',
    details: 'd',
    fields: { a: 'b' },
  });
  t.notMatch(farSocket.sent.join(''), 'secret');
});

t.test('a handler that breaks is an internal error that tells nothing', async (t) => {
  const { near, farSocket } = peerPair({ requests: { echo: () => Promise.reject(new TypeError('secret')) } });
  t.equal(await faultCode(near.request('echo', { data: '' })), 'internal');
  t.notMatch(farSocket.sent.join(''), 'secret');
});

t.test('A38: a method nobody handles is answered with `unsupported` and the link stays', async (t) => {
  const { peer, wire, received } = lonePeer();
  for (const m of ['echo', 'job.explode', 'constructor', '__proto__', 'toString', '']) {
    wire.send(encodeFrame({ t: 'req', id: received.length + 1, m, p: {} }));
    await settle();
    t.match(received.at(-1), { t: 'err', id: received.length, e: { code: 'unsupported' } }, m);
  }
  t.ok(peer.isOpen);
});

t.test(
  'A35: invalid params are answered with `protocol_violation` that names the field, and never reach the handler',
  async (t) => {
    let calls = 0;
    const count = () => Promise.resolve({ data: String(++calls) });
    const { peer, wire, received } = lonePeer({ requests: { echo: count } });
    for (const p of [undefined, null, 7, [], {}, { data: 7 }, { data: 'x'.repeat(70_000) }]) {
      wire.send(encodeFrame({ t: 'req', id: received.length + 1, m: 'echo', p }));
      await settle();
      t.match(received.at(-1), { t: 'err', e: { code: 'protocol_violation' } }, JSON.stringify([p]).slice(0, 20));
    }
    t.match(received.at(-1), { e: { fields: { data: String } } });
    t.equal(calls, 0);
    t.ok(peer.isOpen, 'one bad request does not cost the link');
  },
);

t.test('unknown fields are dropped before the handler sees them', async (t) => {
  const seen: unknown[] = [];
  const { wire } = lonePeer({ requests: { echo: (params) => (seen.push(params), Promise.resolve(params)) } });
  wire.send(encodeFrame({ t: 'req', id: 1, m: 'echo', p: { data: 'x', later: true } }));
  await settle();
  t.strictSame(seen, [{ data: 'x' }]);
});

t.test('an invalid result fails the request and not the link', async (t) => {
  const { near } = peerPair({ requests: { echo: () => Promise.resolve({ data: 7 } as never) } });
  t.equal(await faultCode(near.request('echo', { data: '' })), 'protocol_violation');
  t.ok(near.isOpen);
});

t.test('a request that takes too long ends with `timed_out`, and the handler is told', async (t) => {
  const told = Promise.withResolvers<unknown>();
  const { near, clock } = peerPair({
    requests: {
      echo: (_, signal) => new Promise(() => signal.addEventListener('abort', () => told.resolve(signal.reason))),
    },
  });
  const fault = faultCode(near.request('echo', { data: '' }, { timeoutMs: 700 }));
  await settle();
  clock.advance(699);
  await settle();
  t.equal(await Promise.race([fault, settle().then(() => 'waiting')]), 'waiting');
  clock.advance(1);
  t.equal(await fault, 'timed_out');
  t.match(await told.promise, { code: 'cancelled' });
});

t.test('a late answer is dropped', async (t) => {
  const late = Promise.withResolvers<{ data: string }>();
  const answers = [late.promise, Promise.resolve({ data: 'second' })];
  const { near, clock } = peerPair({ requests: { echo: () => answers.shift() as Promise<{ data: string }> } });
  const fault = faultCode(near.request('echo', { data: '' }, { timeoutMs: 1 }));
  clock.advance(1);
  t.equal(await fault, 'timed_out');
  late.resolve({ data: 'first' });
  await settle();
  t.strictSame(await near.request('echo', { data: '' }), { data: 'second' });
});

t.test('an aborted request ends with the reason of its signal', async (t) => {
  const { near, nearSocket } = peerPair({ requests: { echo: () => new Promise(() => {}) } });
  const abort = new AbortController();
  const fault = faultCode(near.request('echo', { data: '' }, { signal: abort.signal }));
  abort.abort(new LongshoreError('superseded'));
  t.equal(await fault, 'superseded');
  t.match(lastFrame(nearSocket.sent), { t: 'cancel', id: 1 });
});

t.test('a request with an aborted signal sends nothing', async (t) => {
  const { near, nearSocket } = peerPair();
  const signal = AbortSignal.abort(new LongshoreError('cancelled'));
  t.equal(await faultCode(near.request('echo', { data: '' }, { signal })), 'cancelled');
  t.strictSame(nearSocket.sent, []);
});

t.test('a settled request leaves no timer behind', async (t) => {
  const { near, clock } = peerPair({ requests: echo });
  const before = clock.pending;
  await near.request('echo', { data: '' });
  t.equal(clock.pending, before);
});

t.test('a request over the frame limit fails here and now; an answer over it fails there', async (t) => {
  const huge = 'x'.repeat(MAX_FRAME_BYTES);
  const { near, nearSocket } = peerPair({ requests: { echo: () => Promise.resolve({ data: huge }) } });
  t.equal(await faultCode(near.request('commands.deliver', { commands: [huge] })), 'payload_too_large');
  t.strictSame(nearSocket.sent, []);
  t.equal(await faultCode(near.request('echo', { data: '' })), 'payload_too_large');
  t.ok(near.isOpen);
});

t.test('more requests at once than any sane side makes are turned away', async (t) => {
  const { near } = peerPair({ requests: { echo: () => new Promise(() => {}) } });
  for (let i = 0; i < 1024; i++) near.request('echo', { data: '' }).catch(() => {});
  t.equal(await faultCode(near.request('echo', { data: '' })), 'unavailable');
});

// ── notifications ────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('a notification arrives without an answer', async (t) => {
  const seen: unknown[] = [];
  const { near, farSocket } = peerPair({ notifications: { 'job.progress': (body) => seen.push(body) } });
  near.notify('job.progress', progress);
  await settle();
  t.strictSame(seen, [progress]);
  t.strictSame(farSocket.sent, []);
});

t.test('A38: unknown and invalid notifications are dropped, and a handler that throws harms nobody', async (t) => {
  let calls = 0;
  const { near, far, nearSocket } = peerPair({
    notifications: {
      'job.progress': () => {
        calls += 1;
        throw new TypeError('broken');
      },
    },
  });
  nearSocket.send(encodeFrame({ t: 'ntf', m: 'no.such', p: {} }));
  nearSocket.send(encodeFrame({ t: 'ntf', m: 'constructor', p: {} }));
  nearSocket.send(encodeFrame({ t: 'ntf', m: 'job.progress', p: { step: 'dance' } }));
  await settle();
  t.equal(calls, 0);
  near.notify('job.progress', progress);
  await settle();
  t.equal(calls, 1);
  t.ok(far.isOpen);
});

t.test('a notification is dropped when the socket is overfull', async (t) => {
  const seen: unknown[] = [];
  const { near, nearSocket } = peerPair({ notifications: { 'job.progress': (body) => seen.push(body) } });
  nearSocket.stick();
  nearSocket.send('x'.repeat(BUFFERED_LIMIT_BYTES + 1));
  const before = nearSocket.sent.length;
  near.notify('job.progress', progress);
  t.equal(nearSocket.sent.length, before);
});

// ── violations ───────────────────────────────────────────────────────────────────────────────────────────────────────

const VIOLATIONS: Record<string, string | Uint8Array> = {
  'text that is not JSON': 'hello',
  'a frame of no known type': '{"t":"teleport","id":1}',
  'a binary frame without an id': new Uint8Array(2),
  'an answer to what was never asked': encodeFrame({ t: 'res', id: 1, r: {} }),
  'an error for what was never asked': encodeFrame({ t: 'err', id: 9, e: { code: 'stale', message: '' } }),
  'data of a stream that was never opened': new Uint8Array([0, 0, 0, 1, 65]),
  'an acknowledgement of a stream that was never opened': encodeFrame({ t: 'sack', id: 1 }),
  'the end of a stream that was never opened': encodeFrame({ t: 'send', id: 1 }),
  'credit for a stream that was never opened': encodeFrame({ t: 'scredit', id: 1, n: 1 }),
  'a hang-up on a stream that was never opened': encodeFrame({ t: 'scancel', id: 1 }),
  'a stream id beyond its header': encodeFrame({ t: 'sopen', id: 2 ** 32, m: 'logs', p: {} }),
};

for (const [name, frame] of Object.entries(VIOLATIONS)) {
  t.test(`A35: ${name} closes the link with 4400 and stops what is under way`, async (t) => {
    const told = Promise.withResolvers<unknown>();
    const { peer, wire } = lonePeer({
      requests: {
        echo: (_, signal) => new Promise(() => signal.addEventListener('abort', () => told.resolve(signal.reason))),
      },
    });
    wire.send(encodeFrame({ t: 'req', id: 1, m: 'echo', p: { data: '' } }));
    wire.send(frame);
    t.match(await peer.closed, { code: CLOSE.protocol, reason: 'protocol_violation' });
    t.match(await told.promise, { code: 'link_closed' });
    t.equal(await faultCode(peer.request('echo', { data: '' })), 'link_closed');
  });
}

t.test('a request id that is still under way can not be used again', async (t) => {
  const { peer, wire } = lonePeer({ requests: { echo: () => new Promise(() => {}) } });
  for (let i = 0; i < 2; i++) wire.send(encodeFrame({ t: 'req', id: 5, m: 'echo', p: { data: '' } }));
  t.match(await peer.closed, { code: CLOSE.protocol });
});

t.test('a cancel for a request that is answered already is nothing', async (t) => {
  const { near, nearSocket } = peerPair({ requests: echo });
  await near.request('echo', { data: '' });
  nearSocket.send(encodeFrame({ t: 'cancel', id: 1 }));
  t.strictSame(await near.request('echo', { data: 'still here' }), { data: 'still here' });
});
