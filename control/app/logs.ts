// Recent log lines as one answer: `GET /api/services/:id/logs`. Longer reading and following go through realtime/.
import { LongshoreError } from '#shared/errors.ts';
import type { LogEntry } from '#shared/model.ts';
import { NEWLINE, toLogFrame } from '#shared/protocol/log-frame.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';

export const DEFAULT_LOG_TAIL = 100;
/** More than a person reads, and what fits into one answer; a program that wants more follows. */
export const MAX_LOG_TAIL = 10_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export interface RecentLimits {
  lines: number;
  bytes: number;
}

/** The newest lines of a stream (opened with `follow: false`) that fit the limits, oldest first. */
export async function recentLogs(
  reader: StreamReader,
  limits: RecentLimits = { lines: MAX_LOG_TAIL, bytes: MAX_ANSWER_BYTES },
): Promise<{ logs: LogEntry[] }> {
  const frames: Buffer[] = [];
  let bytes = 0;
  for await (const data of reader) {
    const frame = toLogFrame(data);
    frames.push(frame);
    bytes += frame.length;
    // One frame more than fits is kept: its last lines may.
    for (let first = frames[0]; first && bytes - first.length > limits.bytes; first = frames[0]) {
      bytes -= first.length;
      frames.shift();
    }
  }
  return { logs: parseEntries(withinBytes(Buffer.concat(frames), limits.bytes)).slice(-limits.lines) };
}

function withinBytes(lines: Buffer, limitBytes: number): Buffer {
  if (lines.length <= limitBytes) return lines;
  return lines.subarray(lines.indexOf(NEWLINE, lines.length - limitBytes - 1) + 1);
}

function parseEntries(lines: Buffer): LogEntry[] {
  const text = lines.toString('utf8').trimEnd();
  try {
    return JSON.parse(`[${text.replaceAll('\n', ',')}]`) as LogEntry[];
  } catch (cause) {
    throw new LongshoreError('protocol_violation', { details: 'A log line is not JSON', cause });
  }
}
