// Bytes of a log line into a JSON line, without JSON.stringify: checked against JSON.parse.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { FrameBuilder, MAX_MESSAGE_BYTES } from '../../agent/docker/log-frames.ts';
import { lineClose, LOG_FRAME_BYTES } from '#shared/protocol/log-frame.ts';
import { fromFrame } from '../support/log-lines.ts';

const STAMP = '2026-03-29T10:00:00.123456789Z';
const close = lineClose('web-1');

/** What comes out for one message. */
function encode(message: Buffer, dropped = 0) {
  const frames = new FrameBuilder(() => undefined);
  add(frames, message, dropped);
  const all = frames.takeAll();
  return { bytes: Math.max(...all.map((frame) => frame.length)), entries: all.flatMap(fromFrame) };
}

function add(frames: FrameBuilder, message: Buffer, dropped = 0) {
  const bytes = Buffer.concat([Buffer.from(`${STAMP} `), message]);
  frames.add({ isStderr: false, bytes, timeAt: 0, from: STAMP.length + 1, to: bytes.length, dropped }, close);
}

t.test('A62: any bytes come out as JSON.parse and a UTF-8 decoder would have them', async (t) => {
  const interesting = [
    0, 0x1b, 0x22, 0x5c, 0x0a, 0x0d, 0x7f, 0x80, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0xff, 0x41,
  ];
  for (let round = 0; round < 500; round++) {
    const length = round % 60;
    const message =
      round % 2 === 0 ? randomBytes(length) : Buffer.from(randomBytes(length).map((b) => interesting[b % 17] ?? 0));
    const [entry] = encode(message).entries;
    if (entry?.message !== message.toString('utf8')) t.fail(`differs for ${message.toString('hex')}`);
  }
  t.same(encode(Buffer.from('plain')).entries, [
    { timestamp: STAMP, stream: 'stdout', message: 'plain', container: 'web-1' },
  ]);
});

t.test('F43: a message of 16 KiB is whole, one byte more is cut with a marker', async (t) => {
  const whole = Buffer.alloc(MAX_MESSAGE_BYTES, 'x');
  t.equal(encode(whole).entries[0]?.message, whole.toString());
  t.equal(
    encode(Buffer.concat([whole, Buffer.from('y')])).entries[0]?.message,
    `${whole.toString()}… [cut, 1 bytes more]`,
  );
  t.equal(encode(whole, 7).entries[0]?.message, `${whole.toString()}… [cut, 7 bytes more]`);
});

t.test('F43: a cut never splits a character', async (t) => {
  for (const pad of [0, 1, 2, 3]) {
    const message = Buffer.from('x'.repeat(pad) + '🚀'.repeat(MAX_MESSAGE_BYTES / 4));
    const text = encode(message).entries[0]?.message ?? '';
    const kept = text.replace(/… \[cut, \d+ bytes more\]$/, '');
    const rest = /cut, (\d+) bytes/.exec(text)?.[1] ?? '0';
    t.notMatch(text, /\ufffd/);
    t.equal(Buffer.byteLength(kept) + Number(rest), message.length);
  }
});

t.test('F43: a message whose escapes do not fit a frame is cut sooner', async (t) => {
  const { entries, bytes } = encode(Buffer.alloc(MAX_MESSAGE_BYTES, 0));
  t.ok(bytes <= LOG_FRAME_BYTES);
  t.match(entries[0]?.message, /^\0{10000}… \[cut, 6384 bytes more\]$/);
});

t.test('frames hold whole lines and at most 64 KiB', async (t) => {
  const frames = new FrameBuilder(() => undefined);
  const lengths = [0, 100, 5000, 16_384, 40, 9000];
  for (let n = 0; n < 600; n++) add(frames, Buffer.alloc(lengths[n % lengths.length] ?? 0, 'm'));
  const all = frames.takeAll();
  t.ok(all.every((frame) => frame.length <= LOG_FRAME_BYTES && frame.at(-1) === 10));
  t.same(
    all.flatMap(fromFrame).map((entry) => entry.message.length),
    Array.from({ length: 600 }, (_, n) => lengths[n % 6]),
  );
  t.equal(frames.isEmpty, true);
});
