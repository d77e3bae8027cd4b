// A `ws` WebSocket as the Socket of the protocol. Structural, so that shared/ imports no WebSocket library and the same
// adapter serves the agent's client and control's server.
import type { CloseInfo } from './peer-types.ts';
import type { Socket } from './socket.ts';

/** The part of `ws` that is used. */
export interface WsLike {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(data: string | Uint8Array, sent: () => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: 'message', listener: (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => void): unknown;
  on(event: 'ping' | 'pong', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
}

const OPEN = 1;
const MAX_REASON_BYTES = 123; // RFC 6455 §5.5: a control frame holds 125, two of them the code

type MessageHandler = (data: string | Uint8Array) => void;

/** `ws` may still be connecting; its binaryType is the default, `nodebuffer`. */
export function wsSocket(ws: WsLike): Socket {
  const waiting: (string | Uint8Array)[] = [];
  let deliver: MessageHandler | undefined;
  const closed = Promise.withResolvers<CloseInfo>();
  let isClosing = false;
  const onAlive: (() => void)[] = [];
  const onDrain: (() => void)[] = [];
  const alive = () => onAlive.forEach((handler) => handler());
  const drained = () => onDrain.forEach((handler) => handler());

  const flush = () => {
    while (waiting.length > 0) {
      if (!deliver) return; // the last frame made its taker leave
      deliver(waiting.shift() as string | Uint8Array);
    }
  };

  ws.on('message', (data, isBinary) => {
    alive();
    const message = isBinary ? (data as Buffer) : (data as Buffer).toString('utf8');
    if (deliver) return deliver(message);
    if (isClosing) return;
    // Nobody takes frames now: the far side waits in its own buffers, not in our memory.
    waiting.push(message);
    ws.pause();
  });
  ws.on('ping', alive);
  ws.on('pong', alive);
  ws.on('error', () => {}); // `close` follows and is what counts
  ws.on('close', (code, reason) => closed.resolve({ code, reason: reason.toString('utf8') }));

  return {
    send(data) {
      if (ws.readyState === OPEN) ws.send(data, drained);
    },
    ping() {
      if (ws.readyState === OPEN) ws.ping();
    },
    close(code, reason) {
      isClosing = true;
      ws.resume(); // or the closing handshake would wait behind frames nobody takes
      ws.close(code, cutReason(reason));
    },
    terminate: () => ws.terminate(),
    get bufferedBytes() {
      return ws.bufferedAmount;
    },
    onMessage(handler) {
      deliver = handler;
      flush();
      if (deliver && ws.readyState === OPEN) ws.resume();
    },
    onAlive: (handler) => void onAlive.push(handler),
    onClose(handler) {
      void closed.promise.then(({ code, reason }) => handler(code, reason)); // also for who asks late
    },
    onDrain: (handler) => void onDrain.push(handler),
  };
}

function cutReason(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.byteLength <= MAX_REASON_BYTES
    ? reason
    : bytes
        .subarray(0, MAX_REASON_BYTES - 3)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
}
