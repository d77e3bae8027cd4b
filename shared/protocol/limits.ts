// The numbers both ends of the agent protocol agree on: versions, sizes, times, close codes.

/** Versions this build speaks, newest first. Control keeps the one before for as long as hosts may still run it. */
export const PROTOCOL_VERSIONS = [1] as const;

/** A frame larger than this closes the connection (1009). */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** A batch of commands or events stays well below a frame. */
export const MAX_BATCH_BYTES = 256 * 1024;
export const PING_INTERVAL_MS = 15_000;
/** Three missed pings. */
export const SILENCE_LIMIT_MS = 45_000;
export const HANDSHAKE_LIMIT_MS = 10_000;
/** Unacknowledged bytes a stream, and all streams of a connection, may have in flight. */
export const STREAM_CREDIT_BYTES = 256 * 1024;
export const CONNECTION_CREDIT_BYTES = 4 * 1024 * 1024;
/** No stream data is written while the socket holds more than this, so that commands and pings get through. */
export const BUFFERED_LIMIT_BYTES = 1024 * 1024;

/** WebSocket close codes of our own (RFC 6455 leaves 4000–4999 to applications). */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  restart: 1012,
  protocol: 4400,
  unauthorized: 4401,
  revoked: 4403,
  timeout: 4408,
  replaced: 4409,
  fenced: 4410,
  upgradeNeeded: 4426,
  overloaded: 4429,
} as const;
