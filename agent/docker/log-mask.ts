// Secrets out of log lines, before the lines leave the host: so nobody sees them, whatever they may do, and no other part
// has to think of it. Whole lines only, as the parsers have joined them, so a secret cannot hide between two pieces.
import { TIMESTAMP_BYTES } from '#shared/protocol/log-frame.ts';
import type { Mask } from '../secrets/mask.ts';
import type { EscapedLine, RawLine } from './log-line.ts';

const BACKSLASH = 0x5c;

/** The line itself when it holds no secret. */
export function maskLine(mask: Mask, line: RawLine): RawLine {
  const { bytes, timeAt, from, to, dropped } = line;
  const text = mask.bytes(bytes, from, to, dropped > 0);
  return text ? lineOf(line.isStderr, bytes.subarray(timeAt, timeAt + TIMESTAMP_BYTES), text, dropped) : line;
}

/**
 * The line with its text unescaped, when it has escapes or a secret; undefined when it may go as it is. A text without
 * escapes is the same in both forms.
 */
export function unescapedIfSecret(mask: Mask, { isStderr, time, bytes, from, to }: EscapedLine): RawLine | undefined {
  const hasEscapes = hasByte(bytes, from, to, BACKSLASH);
  if (!hasEscapes && !mask.hits(bytes, from, to)) return undefined;
  return lineOf(isStderr, time, unescape(bytes, from, to), 0);
}

function lineOf(isStderr: boolean, time: Uint8Array, text: Uint8Array, dropped: number): RawLine {
  const bytes = Buffer.concat([time, text]);
  return { isStderr, bytes, timeAt: 0, from: TIMESTAMP_BYTES, to: bytes.length, dropped };
}

/** The text of a line as the program wrote it. What is no JSON after all is taken as it lies there. */
export function unescape(bytes: Buffer, from: number, to: number): Uint8Array {
  if (!hasByte(bytes, from, to, BACKSLASH)) return bytes.subarray(from, to);
  const text = bytes.toString('utf8', from, to);
  try {
    return Buffer.from(JSON.parse(`"${text}"`) as string);
  } catch {
    return bytes.subarray(from, to);
  }
}

/** `Buffer.includes` would search on to the end of the block, or need an object for each line. */
function hasByte(bytes: Uint8Array, from: number, to: number, wanted: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] === wanted) return true;
  return false;
}
