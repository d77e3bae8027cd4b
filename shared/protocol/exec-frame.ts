// Data frames of the stream `exec`: one byte that says what follows, then output as it came or news as JSON.
//
//   [0][JSON of ExecNews]     [1][stdout]     [2][stderr]
import { LongshoreError } from '../errors.ts';
import { execNews, type ExecNews } from './exec-parts.ts';

const NEWS = 0;
const STREAMS = { stdout: 1, stderr: 2 } as const;
export type ExecStream = keyof typeof STREAMS;

export interface ExecOutput {
  kind: 'output';
  stream: ExecStream;
  bytes: Buffer;
}

export const encodeExecNews = (news: ExecNews): Buffer =>
  Buffer.concat([Buffer.of(NEWS), Buffer.from(JSON.stringify(news))]);

export const encodeExecOutput = (stream: ExecStream, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(STREAMS[stream]), bytes]);

/** Throws `protocol_violation`. The output is a view into the frame. */
export function decodeExecFrame(frame: Uint8Array): ExecOutput | ExecNews {
  const kind = frame[0];
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).subarray(1);
  if (kind === STREAMS.stdout) return { kind: 'output', stream: 'stdout', bytes };
  if (kind === STREAMS.stderr) return { kind: 'output', stream: 'stderr', bytes };
  if (kind === NEWS) return decodeNews(bytes);
  throw violation('a frame of an exec has no known kind');
}

function decodeNews(bytes: Buffer): ExecNews {
  try {
    return execNews().parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw violation('news of an exec are not valid', cause);
  }
}

const violation = (details: string, cause?: unknown) => new LongshoreError('protocol_violation', { details, cause });
