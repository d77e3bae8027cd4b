// The rule both ends of a durable sequence follow, in one place so that they cannot drift apart.
//
//   Every sequence number from 1 on is stood for by exactly one message, in order, without a hole.
//
// A command or event stands for its own number. A `gap` stands for all of `from`–`to`, and its own number is `to`. So
// the receiver that has committed `last` takes the message whose first number is `last + 1` and then stands at the
// message's own number; an older one is a repeat (acknowledge, change nothing), a younger one breaks the protocol.
import type { AgentEvent, Command } from './schema.ts';

export type Arrival = 'next' | 'repeat' | 'hole';

/** First number a message stands for; its last is always `seq`. */
export const firstSeqOf = ({ seq, body }: Pick<AgentEvent | Command, 'seq' | 'body'>): number =>
  body.kind === 'gap' ? body.from : seq;

/** What a message is to a receiver that has committed everything up to `last`. */
export function arrivalOf(message: Pick<AgentEvent | Command, 'seq' | 'body'>, last: number): Arrival {
  if (message.seq <= last) return 'repeat';
  return firstSeqOf(message) <= last + 1 ? 'next' : 'hole';
}
