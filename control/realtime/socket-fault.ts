// How a WebSocket that serves one thing ends when it cannot go on: the error as a message, then a close that says whether
// another try makes sense.
import type { WebSocket } from 'ws';
import { toLongshoreError } from '#shared/errors.ts';

/** RFC 6455's registry: try again later. */
const CLOSE_TRY_LATER = 1013;
const CLOSE_INTERNAL = 1011;

/** Sends `{"type":"error","error":{…}}` and closes: 1013 when a later try may work, else 1011. */
export function closeWithError(ws: WebSocket, thrown: unknown): void {
  if (ws.readyState !== ws.OPEN) return;
  const error = toLongshoreError(thrown);
  ws.send(JSON.stringify({ type: 'error', error: error.toWire() }));
  ws.close(error.retryable ? CLOSE_TRY_LATER : CLOSE_INTERNAL, error.code);
}
