import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { encodeData, encodeFrame } from '#shared/protocol/codec.ts';
import type { Handlers, StreamReader, StreamWriter } from '#shared/protocol/peer-types.ts';
import { BUFFERED_LIMIT_BYTES, CLOSE, CONNECTION_CREDIT_BYTES, STREAM_CREDIT_BYTES } from '#shared/protocol/limits.ts';
import { MAX_STREAM_FRAME_BYTES } from '#shared/protocol/stream-writers.ts';
import { eventually } from '../support/eventually.ts';
import { faultCode } from '../support/fault-code.ts';
import { lonePeer, peerPair } from '../support/peer-pair.ts';
import { settle } from '../support/socket-pair.ts';

const KIB = 1024;
const params = { serviceId: 'svc_1', tail: null, since: null, follow: true };
const frameOf = (kib: number, mark = 'x') => Buffer.alloc(kib * KIB, mark);

/** A far side whose stream handlers wait in the test's hands, in the order they were opened. */
function handheld(): {
  streams: Handlers['streams'];
  opened: { writer: StreamWriter; opened: () => void; end: (error?: Error) => void }[];
} {
  const opened: ReturnType<typeof handheld>['opened'] = [];
  const logs: Handlers['streams']['logs'] = (_, writer, attached) =>
    new Promise((resolve, reject) => {
      opened.push({ writer, opened: attached, end: (error) => (error ? reject(error) : resolve()) });
    });
  return { streams: { logs }, opened };
}

async function openOne(count = 1) {
  const hand = handheld();
  const pair = peerPair({ streams: hand.streams });
  const readers = Array.from({ length: count }, () => pair.near.openStream('logs', params));
  await settle();
  const sources = hand.opened;
  return { ...pair, readers, reader: readers[0] as StreamReader, sources, source: sources[0] as (typeof sources)[0] };
}

/** Writes until the writer has to wait; returns the bytes that went out. */
async function fill(
  writer: StreamWriter,
  kib: number,
  mark?: string,
): Promise<{ kib: number; blocked: Promise<void> }> {
  for (let sent = 0; ; sent += kib) {
    const write = writer.write(frameOf(kib, mark));
    write.catch(() => {});
    const isBlocked = await Promise.race([write.then(() => false), settle().then(() => true)]);
    if (isBlocked) return { kib: sent, blocked: write };
  }
}

async function readAll(reader: StreamReader): Promise<string> {
  let text = '';
  for await (const frame of reader) text += Buffer.from(frame).toString();
  return text;
}

const take = async (reader: StreamReader, frames: number): Promise<void> => {
  const iterator = reader[Symbol.asyncIterator]();
  for (let i = 0; i < frames; i++) await iterator.next();
};

t.test('frames arrive whole and in order, then the stream ends', async (t) => {
  const { near } = peerPair({
    streams: {
      logs: async (_, writer) => {
        for (const line of ['a\n', 'b\n', 'c\n']) await writer.write(Buffer.from(line));
      },
    },
  });
  t.equal(await readAll(near.openStream('logs', params)), 'a\nb\nc\n');
});

t.test('frames written without waiting still come before the end', async (t) => {
  const { near } = peerPair({
    streams: {
      logs: (_, writer) => {
        for (let i = 0; i < 100; i++) void writer.write(frameOf(8, String(i % 10)));
        return Promise.resolve();
      },
    },
  });
  t.equal((await readAll(near.openStream('logs', params))).length, 800 * KIB);
});

t.test('`opened` waits for the source, not for the first line', async (t) => {
  const { reader, source } = await openOne();
  t.equal(await Promise.race([reader.opened.then(() => 'open'), settle().then(() => 'waiting')]), 'waiting');
  source.opened();
  source.opened();
  await reader.opened;
});

t.test('a stream that ends or writes before it said so counts as opened', async (t) => {
  const { readers, sources } = await openOne(2);
  sources[0]?.end();
  await sources[1]?.writer.write(Buffer.from('x'));
  await t.resolves(Promise.all(readers.map((reader) => reader.opened)));
});

t.test('an error before it opened rejects `opened` and the loop', async (t) => {
  const { reader, source } = await openOne();
  source.end(new LongshoreError('not_found', { message: 'no such service' }));
  await t.rejects(reader.opened, { code: 'not_found', message: 'no such service' });
  t.equal(await faultCode(readAll(reader)), 'not_found');
});

t.test('an error mid-stream comes after the frames before it', async (t) => {
  const { reader, source } = await openOne();
  await source.writer.write(Buffer.from('last words\n'));
  source.end(new LongshoreError('docker_unavailable'));
  await settle();
  const iterator = reader[Symbol.asyncIterator]();
  const first = await iterator.next();
  t.equal(Buffer.from(first.value as Uint8Array).toString(), 'last words\n');
  t.equal(await faultCode(iterator.next()), 'docker_unavailable');
  t.strictSame(await iterator.next(), { done: true, value: undefined });
});

t.test('A38: an unknown stream, and one nobody handles, end with `unsupported`', async (t) => {
  const { peer, wire, received } = lonePeer();
  for (const m of ['logs', 'shell', 'constructor']) {
    wire.send(encodeFrame({ t: 'sopen', id: received.length + 1, m, p: params }));
    await settle();
    t.match(received.at(-1), { t: 'send', e: { code: 'unsupported' } }, m);
  }
  t.ok(peer.isOpen);
});

t.test('A35: invalid params end the stream with `protocol_violation`', async (t) => {
  const { near } = peerPair({ streams: handheld().streams });
  const reader = near.openStream('logs', { ...params, tail: -1 });
  t.equal(await faultCode(reader.opened), 'protocol_violation');
});

t.test('more streams than the limit are turned away, and end without harm to the others', async (t) => {
  const { near, readers, sources } = await openOne(256);
  t.equal(await faultCode(near.openStream('logs', params).opened), 'unavailable');
  sources[0]?.opened();
  await readers[0]?.opened;
});

// ── credit ───────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('a writer stops at 256 KiB that nobody took', async (t) => {
  const { source } = await openOne();
  t.equal((await fill(source.writer, 32)).kib, STREAM_CREDIT_BYTES / KIB);
});

t.test('credit comes back as frames are taken, and not before', async (t) => {
  const { reader, source } = await openOne();
  const { blocked } = await fill(source.writer, 64);
  t.equal(await Promise.race([blocked.then(() => 'sent'), settle().then(() => 'blocked')]), 'blocked');
  await take(reader, 1);
  await blocked;
  t.equal((await fill(source.writer, 64)).kib, 0, 'one taken, one sent');
});

t.test('a stream whose frames are as large as allowed never stalls', async (t) => {
  const { reader, source } = await openOne();
  const total = 40;
  void (async () => {
    for (let i = 0; i < total; i++) await source.writer.write(Buffer.alloc(MAX_STREAM_FRAME_BYTES - (i % 3)));
    source.end();
  })();
  let frames = 0;
  for await (const _ of reader) frames += 1;
  t.equal(frames, total);
});

t.test('a frame over the limit is refused and costs nothing', async (t) => {
  const { reader, source } = await openOne();
  t.equal(await faultCode(source.writer.write(Buffer.alloc(MAX_STREAM_FRAME_BYTES + 1))), 'payload_too_large');
  await source.writer.write(Buffer.from('fine'));
  source.end();
  t.equal(await readAll(reader), 'fine');
});

t.test('all streams together stop at 4 MiB', async (t) => {
  const { sources } = await openOne(20);
  let kib = 0;
  for (const { writer } of sources) kib += (await fill(writer, 64)).kib;
  t.equal(kib, CONNECTION_CREDIT_BYTES / KIB);
});

t.test('a cancelled stream gives its share of the connection to the others', async (t) => {
  const { readers, sources } = await openOne(17);
  for (const { writer } of sources.slice(0, 16)) await fill(writer, 64);
  const last = sources[16] as (typeof sources)[0];
  const { kib, blocked } = await fill(last.writer, 64);
  t.equal(kib, 0);
  readers[0]?.cancel();
  await blocked;
});

t.test('a stream that ended still counts until its frames are taken', async (t) => {
  const { readers, sources } = await openOne(17);
  for (const { writer } of sources.slice(0, 16)) await fill(writer, 64);
  for (const { end } of sources.slice(0, 16)) end();
  const { kib, blocked } = await fill((sources[16] as (typeof sources)[0]).writer, 64);
  t.equal(kib, 0);
  await take(readers[3] as StreamReader, 4);
  await blocked;
});

t.test('a hundred streams with a little unread credit each do not starve the connection', async (t) => {
  const { readers, sources } = await openOne(100);
  const read = readers.map(readAll);
  for (let round = 0; round < 3; round++) {
    await Promise.all(sources.map(({ writer }) => writer.write(frameOf(60)))); // just under what is credited by itself
  }
  for (const { end } of sources) end();
  const lengths = (await Promise.all(read)).map((text) => text.length);
  t.strictSame(new Set(lengths), new Set([180 * KIB]));
});

t.test('A35: credit for more than was sent closes the link', async (t) => {
  const { peer, wire } = lonePeer({
    streams: { logs: (_, writer) => writer.write(frameOf(1)).then(() => new Promise(() => {})) },
  });
  wire.send(encodeFrame({ t: 'sopen', id: 1, m: 'logs', p: params }));
  await settle();
  wire.send(encodeFrame({ t: 'scredit', id: 1, n: KIB + 1 }));
  t.match(await peer.closed, { code: CLOSE.protocol });
});

t.test('A35: data beyond the credit closes the link instead of filling memory', async (t) => {
  const { peer, wire } = lonePeer();
  const reader = peer.openStream('logs', params);
  for (let kib = 0; kib <= 256; kib += 64) wire.send(encodeData(1, frameOf(64)));
  t.match(await peer.closed, { code: CLOSE.protocol });
  t.equal(await faultCode(readAll(reader)), 'link_closed');
});

t.test('A35: data after the end closes the link, and a stream id is used once', async (t) => {
  const one = lonePeer();
  one.peer.openStream('logs', params);
  one.wire.send(encodeData(1, frameOf(1)));
  one.wire.send(encodeFrame({ t: 'send', id: 1 }));
  one.wire.send(encodeData(1, frameOf(1)));
  t.match(await one.peer.closed, { code: CLOSE.protocol });

  const two = lonePeer({ streams: { logs: () => Promise.resolve() } });
  for (let i = 0; i < 2; i++) two.wire.send(encodeFrame({ t: 'sopen', id: 1, m: 'logs', p: params }));
  t.match(await two.peer.closed, { code: CLOSE.protocol });
});

// ── room in the socket, and whose turn it is ─────────────────────────────────────────────────────────────────────────

t.test('no stream data is written while more than 1 MiB is buffered, and requests still are', async (t) => {
  const { far, farSocket, sources } = await openOne(20);
  farSocket.stick();
  let kib = 0;
  for (const { writer } of sources) kib += (await fill(writer, 64)).kib;
  t.ok(kib * KIB >= BUFFERED_LIMIT_BYTES && kib * KIB <= BUFFERED_LIMIT_BYTES + 64 * KIB, `stopped after ${kib} KiB`);
  const before = farSocket.sent.length;
  far.request('echo', { data: 'urgent' }).catch(() => {});
  t.equal(farSocket.sent.length, before + 1);
});

t.test('when there is room again the streams take turns, one frame each', async (t) => {
  const { farSocket, sources, readers } = await openOne(3);
  const read = readers.map(readAll);
  farSocket.stick();
  farSocket.send('x'.repeat(BUFFERED_LIMIT_BYTES + 1)); // something else holds the socket
  for (const [i, { writer }] of sources.entries()) {
    for (let n = 0; n < 3; n++) void writer.write(Buffer.from(`${i}${n} `)).catch(() => {});
  }
  await settle();
  const dataSent = () => farSocket.sent.filter((frame) => typeof frame !== 'string').map((frame) => frame.subarray(4));
  t.strictSame(dataSent(), []);
  farSocket.forgetUnsent();
  t.equal(Buffer.concat(dataSent()).toString(), '00 10 20 01 11 21 02 12 22 ');
  for (const { end } of sources) end();
  t.strictSame(await Promise.all(read), ['00 01 02 ', '10 11 12 ', '20 21 22 '], 'and each arrives in its own order');
});

t.test('a fast stream does not keep a slow one waiting', async (t) => {
  const { readers, sources } = await openOne(2);
  const [busy, calm] = sources as [(typeof sources)[0], (typeof sources)[0]];
  let busyFrames = 0;
  void (async () => {
    for (;;) await busy.writer.write(frameOf(64));
  })().catch(() => {});
  void (async () => {
    for await (const _ of readers[0] as StreamReader) busyFrames += 1;
  })().catch(() => {});
  const calmRead = readAll(readers[1] as StreamReader);
  await eventually(() => busyFrames > 50);
  for (let i = 0; i < 5; i++) await calm.writer.write(Buffer.from(`${i}`));
  calm.end();
  t.equal(await calmRead, '01234');
  readers[0]?.cancel();
});

// ── either side leaves ───────────────────────────────────────────────────────────────────────────────────────────────

t.test('cancel while a write waits: the write rejects, the signal aborts, the loop ends', async (t) => {
  const { reader, source } = await openOne();
  const { blocked } = await fill(source.writer, 64);
  reader.cancel();
  reader.cancel();
  t.equal(await faultCode(blocked), 'cancelled');
  t.match(source.writer.signal.reason, { code: 'cancelled' });
  t.equal(await faultCode(source.writer.write(Buffer.from('x'))), 'cancelled');
  t.equal(await readAll(reader), '', 'what was not read is let go');
});

t.test('leaving the loop cancels the stream', async (t) => {
  const { reader, source } = await openOne();
  void source.writer.write(Buffer.from('one'));
  for await (const frame of reader) {
    t.equal(Buffer.from(frame).toString(), 'one');
    break;
  }
  await eventually(() => source.writer.signal.aborted);
});

t.test('cancel while the loop waits ends the loop', async (t) => {
  const { reader } = await openOne();
  const loop = readAll(reader);
  await settle();
  reader.cancel();
  t.equal(await loop, '');
});

t.test('cancel before it opened rejects `opened`', async (t) => {
  const { reader } = await openOne();
  reader.cancel();
  t.equal(await faultCode(reader.opened), 'cancelled');
});

t.test('frames on their way to a cancelled stream are dropped', async (t) => {
  const { near, reader, source } = await openOne();
  void source.writer.write(frameOf(64));
  reader.cancel();
  source.end();
  await settle();
  t.ok(near.isOpen);
});

t.test('a source that ends by itself cannot write any more', async (t) => {
  const { source } = await openOne();
  source.end();
  await settle();
  t.equal(await faultCode(source.writer.write(Buffer.from('x'))), 'cancelled');
});

t.test(
  'the peer vanishes mid-stream: the reader gets what arrived, then `link_closed`; the writer is told',
  async (t) => {
    const { reader, source, nearSocket } = await openOne();
    await source.writer.write(Buffer.from('arrived'));
    const { blocked } = await fill(source.writer, 64);
    nearSocket.terminate();
    t.equal(await faultCode(blocked), 'link_closed');
    t.match(source.writer.signal.reason, { code: 'link_closed' });
    const iterator = reader[Symbol.asyncIterator]();
    t.equal(Buffer.from((await iterator.next()).value as Uint8Array).toString(), 'arrived');
    t.equal(await faultCode(take(reader, 100)), 'link_closed');
  },
);

t.test('stopped mid-stream: close does not wait for a log that never ends', async (t) => {
  const { near, reader } = await openOne();
  const loop = faultCode(readAll(reader));
  await near.close(CLOSE.goingAway, 'stopped');
  t.equal(await loop, 'link_closed');
});

t.test('a stream has one reader at a time', async (t) => {
  const { reader } = await openOne();
  const iterator = reader[Symbol.asyncIterator]();
  void iterator.next();
  t.equal(await faultCode(iterator.next()), 'internal');
});
