// What the peer needs of a WebSocket, so that it never imports one: ws-socket.ts adapts `ws`, and a test gives two ends
// joined in memory. Handlers are never called from inside a call into the socket.

export interface Socket {
  /** Queues a frame: a string goes as text, bytes as binary. Never throws; a dead socket reports through onClose. */
  send(data: string | Uint8Array): void;
  /** A protocol-level ping (RFC 6455 §5.5.2). */
  ping(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Drops the connection without a word: for a silent far side. */
  terminate(): void;
  /** Bytes accepted by send and not yet handed to the kernel. */
  readonly bufferedBytes: number;
  /**
   * The one taker of frames; another call replaces it, undefined leaves none. Frames that arrive while there is none
   * wait for the next taker, so that a connection can change hands (handshake, then peer) and lose nothing.
   */
  onMessage(handler: ((data: string | Uint8Array) => void) | undefined): void;
  /** Any sign of life: a frame, a ping, a pong. */
  onAlive(handler: () => void): void;
  /** Each handler is called once. 1006 when the far side vanished. */
  onClose(handler: (code: number, reason: string) => void): void;
  /** Called when bufferedBytes fell; the peer looks again whether it may write. */
  onDrain(handler: () => void): void;
}
