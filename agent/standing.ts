// How the agent stands, in one line for `systemctl status`, and whether a restart would mend anything. Docker that does
// not answer, a control plane out of reach and a full disk are no reasons: the next process would meet them too.
import { count } from '#shared/count.ts';
import type { StorageStanding } from '#shared/storage-standing.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Standing } from '#shared/watchdog.ts';

export interface StandingFacts {
  control: {
    url: string;
    /** Undefined until control has welcomed this host for the first time. */
    hostId: string | undefined;
    /** Milliseconds since the epoch; null while connected. */
    offlineSince: number | null;
    /** Why the last try failed. */
    cause: string | undefined;
    /** Events that it has not got. */
    keptEvents: number;
  };
  services: number;
  /** Milliseconds since the epoch; null while Docker answers. */
  dockerAwaySince: number | null;
  /** Calls to Docker that should have ended at their deadline and have not. */
  overdueCalls: number;
  storage: StorageStanding;
}

export function toStanding(facts: StandingFacts): Standing {
  const fault = faultOf(facts);
  const { trouble } = facts.storage;
  const parts = [
    ...(fault === null ? [] : [`about to be restarted: ${fault}`]),
    ...describeControl(facts.control),
    count(facts.services, 'service'),
    describeDocker(facts.dockerAwaySince),
    ...(trouble === null || trouble === fault ? [] : [trouble]),
  ];
  return { status: parts.map(toLine).join('; '), fault };
}

function faultOf({ storage, overdueCalls }: StandingFacts): string | null {
  if (!storage.isSound) return storage.trouble;
  return overdueCalls > 0 ? `${count(overdueCalls, 'call')} to Docker did not end in time` : null;
}

function describeControl({ url, hostId, offlineSince, cause, keptEvents }: StandingFacts['control']): string[] {
  if (offlineSince === null) return [`connected to ${url} as ${hostId ?? 'a new host'}`];
  const why = cause === undefined ? '' : ` (${cause})`;
  return [`offline since ${toSecond(offlineSince)}${why}`, `${count(keptEvents, 'event')} kept`];
}

const describeDocker = (awaySince: number | null): string =>
  awaySince === null ? 'Docker answers' : `Docker has not answered since ${toSecond(awaySince)}`;

const toSecond = (ms: number): string => toRfc3339(ms).replace(/\.\d+/, '');

/** A line break would be the next word to systemd. */
const toLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
