// A WebSocket that follows one service's logs: `GET /api/services/:id/logs?follow=true`.
import type { Socket as TcpSocket } from 'node:net';
import type { WebSocket } from 'ws';
import { BATCH, SINGLE } from './log-format.ts';
import type { LogHub, LogRange } from './log-hub.ts';
import { LogViewer, type LogSink } from './log-viewer.ts';
import { closeWithError } from './socket-fault.ts';

export interface LogSocketQuery extends LogRange {
  serviceId: string;
  /** Messages are arrays of entries. */
  isBatch: boolean;
}

/**
 * Serves an accepted, authorised WebSocket until it closes. When the logs cannot be had (any more) it ends
 * with the reason, see socket-fault.ts.
 */
export function serveLogSocket(hub: LogHub, ws: WebSocket, tcp: Corkable, query: LogSocketQuery): void {
  const { serviceId, isBatch } = query;
  const fail = (thrown: unknown) => closeWithError(ws, thrown);
  const viewer = new LogViewer({ ...toLogSink(ws, tcp), fail }, isBatch ? BATCH : SINGLE);
  ws.on('close', () => hub.leave(serviceId, viewer));
  hub.join(serviceId, viewer, query).catch(fail);
}

export type Corkable = Pick<TcpSocket, 'cork' | 'uncork'>;

/** Batches of messages leave in one write: a write a message costs more than all the rest of the way. */
export const toLogSink = (ws: WebSocket, tcp: Corkable): LogSink => ({
  send(messages, done) {
    if (ws.readyState !== ws.OPEN || messages.length === 0) {
      // Not at once: a pump that is called back while it pumps would run deep.
      setImmediate(done);
      return;
    }
    tcp.cork();
    const last = messages.length - 1;
    messages.forEach((message, i) => {
      if (i < last) ws.send(message, { binary: false, compress: false });
      else ws.send(message, { binary: false, compress: false }, () => done());
    });
    tcp.uncork();
  },
});
