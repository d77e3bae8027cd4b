// Moves events from the outbox to control over one link: a batch at a time, the next only after control has committed
// the one before. A new link starts where control says it stands, so nothing here needs to be remembered.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Peer } from '#shared/protocol/peer-types.ts';
import { CLOSE } from '#shared/protocol/limits.ts';
import type { AgentEvent } from '#shared/protocol/schema.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AgentState } from '../state/open.ts';

/** Control commits a batch in milliseconds; a disk that is nearly full may take longer. */
const DELIVER_LIMIT_MS = 30_000;
/** After control could not store a batch (its disk is full, say). */
const RETRY_MS = 2_000;

export interface PumpDeps {
  state: Pick<AgentState, 'outbox' | 'onEvents' | 'transact'>;
  clock: Clock;
  log: Logger;
}

export type PumpPeer = Pick<Peer, 'request' | 'destroy' | 'closed'>;

/** Delivers until the link closes. `nextEventSeq` is control's word from its welcome. */
export async function pumpOutbox({ state, clock, log }: PumpDeps, peer: PumpPeer, nextEventSeq: number): Promise<void> {
  state.transact(() => state.outbox.resume(nextEventSeq));
  const bell = createBell();
  const closed = new AbortController();
  const end = () => {
    closed.abort(new LongshoreError('link_closed'));
    bell.ring();
  };
  void peer.closed.then(end);
  state.onEvents(bell.ring);
  let acked = nextEventSeq - 1;
  while (!closed.signal.aborted) {
    const events = state.outbox.read(acked);
    try {
      if (events.length === 0) await bell.rung();
      else acked = await deliver(peer, events);
      state.outbox.ack(acked);
    } catch (error) {
      if (closed.signal.aborted) return;
      log.warn({ err: error }, 'control did not take events');
      // A new link agrees anew on where both stand.
      if (toLongshoreError(error).code === 'protocol_violation')
        return peer.destroy(CLOSE.protocol, 'bad event sequence');
      await sleep(clock, RETRY_MS, closed.signal).catch(() => undefined); // aborted: the loop ends
    }
  }
}

async function deliver(peer: PumpPeer, events: AgentEvent[]): Promise<number> {
  const first = events[0]?.seq ?? 0;
  const last = events.at(-1)?.seq ?? 0;
  const { acked } = await peer.request('events.deliver', { events }, { timeoutMs: DELIVER_LIMIT_MS });
  if (acked >= first && acked <= last) return acked;
  const details = `sent ${first}–${last}, acknowledged ${acked}`;
  throw new LongshoreError('protocol_violation', { message: 'Control acknowledged events it was not sent', details });
}

/** Remembers one ring, so that an event between reading and waiting is not slept through. */
function createBell(): { ring: () => void; rung: () => Promise<void> } {
  let next = Promise.withResolvers<void>();
  return {
    ring: () => next.resolve(),
    rung: () => next.promise.then(() => void (next = Promise.withResolvers())),
  };
}
