// A log line on its way from Docker to a frame: its parts stay where they lie.

/** One line as a parser found it. */
export interface RawLine {
  isStderr: boolean;
  bytes: Uint8Array;
  /** Where its 30-byte timestamp starts. */
  timeAt: number;
  from: number;
  to: number;
  /** Bytes of the message that came after `to` and were dropped. */
  dropped: number;
}

/** A line whose text needs no work, as it lies in a json-file log. */
export interface EscapedLine {
  isStderr: boolean;
  /** 30 bytes, overwritten by the next line. */
  time: Buffer;
  bytes: Buffer;
  from: number;
  to: number;
}
