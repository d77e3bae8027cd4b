// Docker's two log formats, cut anywhere.
import t from 'tap';
import { createLogParser } from '../../agent/docker/log-parser.ts';

interface Line {
  stream: string;
  time: string;
  message: string;
  dropped: number;
}

/** Feeds `bytes` in pieces of `size` through one reused buffer, as the socket does. */
function parse(bytes: Buffer, isTty: boolean, size: number): Line[] {
  const lines: Line[] = [];
  const parser = createLogParser(isTty, ({ isStderr, bytes: b, timeAt, from, to, dropped }) => {
    const text = Buffer.from(b);
    const time = text.toString('latin1', timeAt, timeAt + 30);
    lines.push({ stream: isStderr ? 'stderr' : 'stdout', time, message: text.toString('utf8', from, to), dropped });
  });
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(reused, 0, at, at + size);
    parser.push(reused.subarray(0, length));
  }
  parser.end();
  return lines;
}

const stamp = (n: number) => `2026-03-29T10:00:00.${String(n).padStart(9, '0')}Z`;

function record(stream: 1 | 2, n: number, text: string): Buffer {
  const body = Buffer.from(`${stamp(n)} ${text}`);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

const X = 'x'.repeat(16_384);
const out = (n: number, message: string, dropped = 0) => ({ stream: 'stdout', time: stamp(n), message, dropped });

t.test('multiplexed records cut anywhere give the same lines', async (t) => {
  const bytes = Buffer.concat([
    record(1, 1, 'one\n'),
    record(2, 2, 'two\n'),
    record(1, 3, '\n'),
    record(1, 4, X),
    record(2, 5, 'between\n'),
    record(1, 4, X),
    record(1, 4, 'tail\n'),
    record(1, 6, 'with return\r\n'),
    record(1, 7, 'no newline, then the container ended'),
    record(1, 8, 'the next run\n'),
    record(2, 9, 'open end'),
  ]);
  const lines = [
    out(1, 'one'),
    { ...out(2, 'two'), stream: 'stderr' },
    out(3, ''),
    { ...out(5, 'between'), stream: 'stderr' },
    out(4, X, X.length + 4),
    out(6, 'with return\r'),
    out(7, 'no newline, then the container ended'),
    out(8, 'the next run'),
    { ...out(9, 'open end'), stream: 'stderr' },
  ];
  for (const size of [1, 7, 31, 39, 1000, 65_536]) t.same(parse(bytes, false, size), lines, `pieces of ${size}`);
});

t.test('a terminal has no headers, one stream and \\r\\n', async (t) => {
  const raw = (n: number, text: string) => Buffer.from(`${stamp(n)} ${text}`);
  const bytes = Buffer.concat([
    raw(1, 'one\r\n'),
    raw(2, X),
    raw(2, X),
    raw(2, 'tail\r\n'),
    raw(3, '\u001b[1mbold\u001b[0m\r\n'),
    raw(4, X),
    raw(4, '\n'),
    raw(5, '$ '),
  ]);
  const lines = [out(1, 'one'), out(2, X, X.length + 5), out(3, '\u001b[1mbold\u001b[0m'), out(4, X), out(5, '$ ')];
  for (const size of [1, 33, 1000, 65_536]) t.same(parse(bytes, true, size), lines, `pieces of ${size}`);
});

t.test('what is no log stream is refused', async (t) => {
  t.throws(() => parse(Buffer.from('HTTP/1.1 200 OK and so on'), false, 100), { code: 'docker_error' });
});
