// Logs over the socket of the host: the lines as the control plane would get them, secrets hidden, one JSON object each.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Handlers, StreamWriter } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';

export type StreamLogs = NonNullable<Handlers['streams']['logs']>;

/**
 * Resolves when all is sent or the reader has gone. Rejects before the first byte with what stands in its way; what does
 * so later is the last line.
 */
export async function replyWithLogs(
  streamLogs: StreamLogs,
  params: StreamParams<'logs'>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const writer: StreamWriter = { signal, write: (frame) => write(response, frame, signal) };
  try {
    await streamLogs(params, writer, () => open(response));
    open(response);
    response.end();
  } catch (error) {
    if (!response.headersSent) throw error;
    if (signal.aborted) return void response.destroy(); // cut off, so that nobody takes it for the end
    response.end(`${JSON.stringify({ error: toLongshoreError(error).toWire() })}\n`);
  }
}

function open(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
}

/** A slow reader slows the source: the next frame is taken when this one has left. */
async function write(response: ServerResponse, frame: Uint8Array, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new LongshoreError('cancelled');
  open(response);
  if (response.write(frame)) return;
  await once(response, 'drain', { signal }).catch(() => {
    throw new LongshoreError('cancelled');
  });
}
