// Where the two sequences go on when a host connects. Pure: what control has and what the host says in, a plan out.
// docs/decisions/0004-who-remembers-more.md tells why.
//
//   host has fewer commands than it acknowledged   its state was rolled back (F27)
//   host has more commands than were ever given    control was restored from a backup (F35)
//   host has seen a higher epoch                    control was restored from a backup (F35)
//   first link since `longshore control restore`    the same, also where the numbers happen to fit (F35)
//
// Either way the memory of both sides is not one history any more: control takes a higher epoch, so that nothing sent
// under the old one counts, and goes on from the host's numbers. Events need nothing here: control names the next one it
// wants, and the host's outbox moves (agent/state/outbox.ts, `resume`). Nothing is ever destroyed on a host by this.
import type { HostPosition } from '../store/hosts.ts';

export interface Reported {
  /** Highest command on the host's disk. */
  commandSeq: number;
  /** Highest epoch the host has seen. */
  epoch: number;
  /** Numbers of events the host can send. */
  events: { first: number; last: number };
}

export type Incident = 'host_rolled_back' | 'control_restored';

export interface ResumePlan {
  epoch: number;
  /** What the host has; pending commands follow it. */
  ackedSeq: number;
  /** The pending commands keep their order and get new numbers after `ackedSeq`. */
  isRenumbered: boolean;
  incident: Incident | null;
}

/** `isRestored`: control was restored and has not met the host since. */
export function planResume(known: HostPosition, reported: Reported, isRestored = false): ResumePlan {
  const incident = isRestored ? 'control_restored' : incidentOf(known, reported);
  return {
    epoch: incident === null ? known.epoch : Math.max(known.epoch, reported.epoch) + 1,
    ackedSeq: reported.commandSeq,
    isRenumbered: isRestored || (incident !== null && !isWithin(known, reported)),
    incident,
  };
}

function incidentOf(known: HostPosition, reported: Reported): Incident | null {
  if (reported.epoch > known.epoch || reported.commandSeq > known.commandSeq) return 'control_restored';
  const hasForgotten = reported.commandSeq < known.ackedSeq || reported.events.last < known.eventSeq;
  return hasForgotten ? 'host_rolled_back' : null;
}

/** Whether the host's last command is one that control remembers having given and not seen acknowledged. */
const isWithin = ({ ackedSeq, commandSeq }: HostPosition, reported: Reported): boolean =>
  reported.commandSeq >= ackedSeq && reported.commandSeq <= commandSeq;
