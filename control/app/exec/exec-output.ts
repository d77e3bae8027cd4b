// The output of a program as one answer: both streams as text, up to a bound that its host keeps as well.
import { LongshoreError } from '#shared/errors.ts';
import type { ExecOutput } from '#shared/protocol/exec-frame.ts';
import type { ExecEnded } from '#shared/protocol/exec-parts.ts';

/** Of both streams together: what fits into an answer that a person or a script still reads. */
export const MAX_EXEC_OUTPUT_BYTES = 1024 * 1024;

export interface WholeOutput extends Omit<ExecEnded, 'kind'> {
  stdout: string;
  stderr: string;
}

/** Throws `protocol_violation` for a host that sends more than it was asked for, or no end. */
export async function readWhole(messages: AsyncIterable<ExecOutput | ExecEnded>): Promise<WholeOutput> {
  const pieces: Record<ExecOutput['stream'], Buffer[]> = { stdout: [], stderr: [] };
  let bytes = 0;
  for await (const message of messages) {
    if (message.kind === 'ended') {
      const { kind: _, ...end } = message;
      return { ...end, stdout: textOf(pieces.stdout), stderr: textOf(pieces.stderr) };
    }
    bytes += message.bytes.length;
    if (bytes > MAX_EXEC_OUTPUT_BYTES) throw violation('more output of a program than was asked for');
    pieces[message.stream].push(message.bytes);
  }
  throw violation('a program without an end');
}

/** What is not UTF-8 becomes U+FFFD. */
const textOf = (pieces: readonly Buffer[]): string => Buffer.concat(pieces).toString('utf8');

const violation = (details: string) => new LongshoreError('protocol_violation', { details });
