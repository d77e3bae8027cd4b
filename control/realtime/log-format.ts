// How log lines look to the three kinds of viewers. Nothing is parsed: lines come as JSON and leave as JSON.
import { forEachLine } from '#shared/protocol/log-frame.ts';
import type { SharedFrame } from './log-queue.ts';

export type Message = string | Uint8Array;

/** Why no lines come, or that they come again. */
export type LogNotice = 'host_offline' | 'resumed';

export interface LogFormat {
  /** Complete text messages. */
  entries: (frame: SharedFrame) => Message[];
  /** Lines were dropped before the next entry. */
  gap: (missed: number) => Message;
  notice: (state: LogNotice) => Message;
}

/** One entry a message: what the API document promises. */
export const SINGLE: LogFormat = {
  entries: ({ bytes }) => mapLines(bytes, (line) => line),
  gap: (missed) => JSON.stringify({ type: 'gap', missed }),
  notice: (state) => JSON.stringify({ type: 'notice', state }),
};

/** `?batch=true`: each message is an array; ten times less work at both ends. */
export const BATCH: LogFormat = {
  entries: (frame) => [frame.asArray],
  gap: (missed) => `[${SINGLE.gap(missed) as string}]`,
  notice: (state) => `[${SINGLE.notice(state) as string}]`,
};

/** `service.logs` on /api/ws, where several services share a socket. */
export function busFormat(serviceId: string): LogFormat {
  const open = Buffer.from(`{"type":"service.logs","service_id":${JSON.stringify(serviceId)},`);
  const about = { type: 'service.logs', service_id: serviceId };
  return {
    entries: ({ bytes }) => mapLines(bytes, (line) => Buffer.concat([open, line.subarray(1)])),
    gap: (missed) => JSON.stringify({ ...about, missed, timestamp: new Date().toISOString() }),
    notice: (state) => JSON.stringify({ ...about, state, timestamp: new Date().toISOString() }),
  };
}

function mapLines(frame: Buffer, toMessage: (line: Buffer) => Message): Message[] {
  const messages: Message[] = [];
  forEachLine(frame, (at, end) => void messages.push(toMessage(frame.subarray(at, end - 1))));
  return messages;
}
