// What the parts of a peer share: a way out for frames.
import type { Frame } from './codec.ts';

export interface Wire {
  /** Throws `payload_too_large`; does nothing once the link is closed. */
  send(frame: Frame): void;
  sendData(streamId: number, payload: Uint8Array): void;
  /** False while the socket holds so much that stream data and notifications would delay commands and pings. */
  readonly hasRoom: boolean;
}
