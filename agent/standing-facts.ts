// Where the facts of agent/standing.ts come from.
import { judgeWrite, type StorageStanding } from '#shared/storage-standing.ts';
import { toRfc3339, type Clock } from '#shared/time.ts';
import type { Standing } from '#shared/watchdog.ts';
import type { DockerParts } from './docker-parts.ts';
import type { Link } from './link/session.ts';
import { toStanding, type StandingFacts } from './standing.ts';
import type { AgentState } from './state/open.ts';

export interface StandingParts {
  state: AgentState;
  client: Pick<DockerParts['client'], 'breaker' | 'overdueCalls'>;
  hub: Pick<DockerParts['hub'], 'awaySince'>;
  link: Pick<Link, 'current' | 'since' | 'lastError' | 'onUp' | 'onDown'>;
  controlUrl: string;
  clock: Clock;
}

export interface StandingWatch {
  /** Looks now, which takes a small write. */
  standing(): Standing;
  /** Calls back when it may have changed at once: control or Docker came or went. */
  onStandingChange(listener: () => void): void;
}

export const watchStanding = (parts: StandingParts): StandingWatch => ({
  standing: () => toStanding(collect(parts)),
  onStandingChange(listener) {
    parts.link.onUp(listener);
    parts.link.onDown(listener);
    parts.client.breaker.onChange(listener);
  },
});

function collect({ state, client, hub, link, controlUrl, clock }: StandingParts): StandingFacts {
  return {
    control: {
      url: controlUrl,
      hostId: state.meta.get('hostId'),
      offlineSince: link.current ? null : link.since,
      cause: link.lastError?.message,
      keptEvents: state.outbox.waiting().events,
    },
    services: state.services.ids().length,
    dockerAwaySince: hub.awaySince,
    overdueCalls: client.overdueCalls,
    storage: describeStorage(state, clock),
  };
}

/** On a full disk the reserve still takes writes; what else needs the room is refused. */
function describeStorage(state: AgentState, clock: Clock): StorageStanding {
  const judged = judgeWrite(findWriteFault(state, clock));
  const isTight = judged.trouble === null && !state.hasRoom();
  return isTight ? { ...judged, trouble: 'the disk is full: no new jobs' } : judged;
}

function findWriteFault(state: AgentState, clock: Clock): unknown {
  try {
    state.transact(() => state.meta.set('writtenAt', toRfc3339(clock.now())));
    return undefined;
  } catch (error) {
    return error;
  }
}
