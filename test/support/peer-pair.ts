// Two peers joined in memory under one clock that stands still.
import { silentLogger } from '#shared/log.ts';
import { decodeFrame, type Frame } from '#shared/protocol/codec.ts';
import type { Handlers, Peer } from '#shared/protocol/peer-types.ts';
import { createPeer } from '#shared/protocol/peer.ts';
import { ManualClock } from './manual-clock.ts';
import { socketPair, type MemorySocket } from './socket-pair.ts';

export interface PeerPair {
  clock: ManualClock;
  /** Asks. */
  near: Peer;
  nearSocket: MemorySocket;
  /** Answers with the handlers given. */
  far: Peer;
  farSocket: MemorySocket;
}

export const noHandlers = (): Handlers => ({ requests: {}, notifications: {}, streams: {} });

export function peerPair(farHandlers: Partial<Handlers> = {}, nearHandlers: Partial<Handlers> = {}): PeerPair {
  const clock = new ManualClock();
  const [nearSocket, farSocket] = socketPair();
  const options = { clock, log: silentLogger() };
  const near = createPeer({ ...options, socket: nearSocket, handlers: { ...noHandlers(), ...nearHandlers } });
  const far = createPeer({ ...options, socket: farSocket, handlers: { ...noHandlers(), ...farHandlers } });
  return { clock, near, nearSocket, far, farSocket };
}

/** One peer, and the bare end of its wire for a far side that does not play by the rules. */
export function lonePeer(handlers: Partial<Handlers> = {}): { peer: Peer; wire: MemorySocket; received: Frame[] } {
  const [wire, socket] = socketPair();
  const received: Frame[] = [];
  wire.onMessage((data) => void (typeof data === 'string' && received.push(decodeFrame(data))));
  const peer = createPeer({
    socket,
    clock: new ManualClock(),
    log: silentLogger(),
    handlers: { ...noHandlers(), ...handlers },
  });
  return { peer, wire, received };
}
