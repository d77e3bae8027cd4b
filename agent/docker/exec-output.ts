// Takes apart what Docker sends of a program without a terminal: frames of 8 header bytes (the stream, three zeros, the
// length) and data. The data of a frame goes on as it comes, so that no frame has to fit into memory.
import { LongshoreError } from '#shared/errors.ts';
import type { ExecOutputPart } from './running-exec.ts';

const HEADER_BYTES = 8;
const STREAMS: Record<number, ExecOutputPart['stream']> = { 1: 'stdout', 2: 'stderr' };

export async function* splitExecOutput(chunks: AsyncIterable<Buffer>): AsyncGenerator<ExecOutputPart> {
  let rest: Buffer = Buffer.alloc(0);
  let stream: ExecOutputPart['stream'] = 'stdout';
  let missingBytes = 0;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length > 0) {
      if (missingBytes > 0) {
        const bytes = rest.subarray(0, missingBytes);
        rest = rest.subarray(bytes.length);
        missingBytes -= bytes.length;
        yield { stream, bytes };
      } else if (rest.length < HEADER_BYTES) break;
      else {
        stream = streamOf(rest);
        missingBytes = rest.readUInt32BE(4);
        rest = rest.subarray(HEADER_BYTES);
      }
    }
  }
}

function streamOf(header: Buffer): ExecOutputPart['stream'] {
  const stream = STREAMS[header[0] as number];
  if (!stream) throw new LongshoreError('docker_error', { details: 'The output of a program is not in frames' });
  return stream;
}
