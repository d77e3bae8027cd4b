// When failed containers are restarted, and when nobody tries any more. Pure: what was remembered, what a list shows
// and the time in; what to remember and what to do out.
//
//   well ──failure──▶ waiting (10 s, 20 s … 300 s) ──due──▶ restarted ──▶ well, or waiting again
//     ▲                   │ five restarts in ten minutes
//     │                   ▼
//     └──somebody────── given up: nothing is restarted, and what Docker keeps restarting is stopped
//
// Containers with a restart policy are Docker's to restart. Those restarts are counted; for giving up they count at our
// own pace, so that a program which ends until its database is there has as long as one without a policy.
import type { Container } from '../docker/engine.ts';
import { describeFaults, faultOf, type Fault } from './faults.ts';
import type { HealingLimits } from './limits.ts';
import { isUpAgain, knownOf, withCounts, type HealingRecord } from './record.ts';

export interface HealingFacts {
  record: HealingRecord;
  containers: readonly Container[];
  now: number;
  limits: HealingLimits;
}

export type Act =
  /** Nothing now; look again at `until`. Null: when something happens. */
  | { kind: 'wait'; until: number | null }
  | { kind: 'restart'; faults: Fault[] }
  /** `stop` are those that Docker would restart on and on. */
  | { kind: 'give_up'; reason: string; faults: Fault[]; stop: string[] }
  | { kind: 'stop'; faults: Fault[] };

export interface Decision {
  record: HealingRecord;
  act: Act;
  /** Restarts by Docker that count for giving up, and are worth a line. */
  dockerRestarts: Fault[];
}

export function decideHealing({ record: before, containers, now, limits }: HealingFacts): Decision {
  const current = inTime(before, now, limits);
  const faults = containers.flatMap((one) => faultOf(one, knownOf(current, one.id).stoppedAt) ?? []);
  const restarted = containers.filter((one) => growthOf(current, one) > 0);
  const counted = countFailures(current, { containers, faults, now });
  const looping = loopsOf(faults, restarted);
  if (counted.gaveUp) {
    const isWell = faults.length === 0 && isUpAgain(counted.gaveUp, containers);
    return isWell && looping.length === 0 ? whenWell(counted, now, limits) : afterGivingUp(counted, looping);
  }
  if (faults.length === 0 && restarted.length === 0) return whenWell(counted, now, limits);
  return whenFailing({ ...counted, wellSince: null }, { faults, looping, hasNews: restarted.length > 0, now, limits });
}

/** Restarts that are to be made now, as they are remembered before they are made. */
export function noteRestart(record: HealingRecord, now: number, limits: HealingLimits): HealingRecord {
  const restarted = record.restartCount + 1;
  return { ...tried(record, now, limits), restartCount: restarted, lastRestartAt: now, dueAt: null, failing: [] };
}

/** That nobody tries any more. */
export const noteGivenUp = (
  record: HealingRecord,
  reason: string,
  faults: readonly Fault[],
  now: number,
): HealingRecord => ({
  ...record,
  dueAt: null,
  gaveUp: { at: now, reason, containers: faults.map(({ id }) => id) },
});

interface Failing {
  faults: readonly Fault[];
  looping: readonly Fault[];
  now: number;
  limits: HealingLimits;
}

function whenFailing(record: HealingRecord, { hasNews, ...facts }: Failing & { hasNews: boolean }): Decision {
  const { faults, looping, now, limits } = facts;
  const ours = faults.filter(({ kind }) => kind !== 'looping');
  const isTry = hasNews && now - (record.tries.at(-1) ?? -Infinity) >= record.delayMs;
  if ((hasNews || ours.length > 0) && record.tries.length >= limits.restarts) return giveUp(record, facts);
  const next = isTry ? tried(record, now, limits) : record;
  const dockerRestarts = isTry ? [...looping] : [];
  if (ours.length === 0) return { record: { ...next, dueAt: null }, act: waitFor(next, now, limits), dockerRestarts };
  const dueAt = record.dueAt ?? now + next.delayMs;
  const act: Act = dueAt <= now ? { kind: 'restart', faults: ours } : { kind: 'wait', until: dueAt };
  return { record: { ...next, dueAt }, act, dockerRestarts };
}

function giveUp(record: HealingRecord, { faults, looping, limits }: Failing): Decision {
  const bad = uniqueById([...faults, ...looping]);
  const minutes = Math.max(1, Math.round(limits.windowMs / 60_000));
  const reason = `Gave up after ${limits.restarts} restarts in ${minutes} minutes: ${describeFaults(bad)}`;
  const stop = looping.map(({ id }) => id);
  return {
    record: { ...record, dueAt: null },
    act: { kind: 'give_up', reason, faults: bad, stop },
    dockerRestarts: [],
  };
}

/** What somebody started by hand may run; what ends all the same is kept down. */
function afterGivingUp(record: HealingRecord, looping: readonly Fault[]): Decision {
  const act: Act = looping.length > 0 ? { kind: 'stop', faults: [...looping] } : { kind: 'wait', until: null };
  return { record: { ...record, wellSince: null }, act, dockerRestarts: [] };
}

function whenWell(record: HealingRecord, now: number, limits: HealingLimits): Decision {
  const wellSince = record.wellSince ?? now;
  const next = { ...record, wellSince, dueAt: null };
  if (!isMarked(record, limits)) return { record: next, act: { kind: 'wait', until: null }, dockerRestarts: [] };
  if (now - wellSince < limits.wellMs) return { record: next, act: waitFor(next, now, limits), dockerRestarts: [] };
  const fresh = { ...next, tries: [], delayMs: limits.firstDelayMs, gaveUp: null };
  return { record: fresh, act: { kind: 'wait', until: null }, dockerRestarts: [] };
}

/** Something of an earlier failure still counts. */
const isMarked = ({ tries, delayMs, gaveUp }: HealingRecord, { firstDelayMs }: HealingLimits): boolean =>
  tries.length > 0 || delayMs > firstDelayMs || gaveUp !== null;

const waitFor = ({ wellSince }: HealingRecord, now: number, { wellMs }: HealingLimits): Act => ({
  kind: 'wait',
  until: (wellSince ?? now) + wellMs,
});

const tried = (record: HealingRecord, now: number, { maxDelayMs }: HealingLimits): HealingRecord => ({
  ...record,
  tries: [...record.tries, now],
  delayMs: Math.min(record.delayMs * 2, maxDelayMs),
});

/** Forgets tries that are past the window. A clock that was set back must not hold a restart for a year. */
function inTime(record: HealingRecord, now: number, limits: HealingLimits): HealingRecord {
  const { dueAt, wellSince, delayMs } = record;
  return {
    ...record,
    delayMs: Math.max(limits.firstDelayMs, Math.min(delayMs, limits.maxDelayMs)),
    tries: record.tries.filter((at) => at <= now && at > now - limits.windowMs),
    dueAt: dueAt !== null && dueAt > now + limits.maxDelayMs ? now + limits.maxDelayMs : dueAt,
    wellSince: wellSince !== null && wellSince > now ? now : wellSince,
  };
}

/** Counts what is new: containers that were not failing, and what Docker has restarted since the last look. */
function countFailures(
  record: HealingRecord,
  { containers, faults, now }: { containers: readonly Container[]; faults: readonly Fault[]; now: number },
): HealingRecord {
  const failing = faults.filter(({ kind }) => kind !== 'looping').map(({ id }) => id);
  const fresh = failing.filter((id) => !record.failing.includes(id)).length;
  const growth = containers.reduce((sum, one) => sum + growthOf(record, one), 0);
  return {
    ...withCounts(record, containers),
    dueAt: record.dueAt,
    failureCount: record.failureCount + fresh + growth,
    restartCount: record.restartCount + growth,
    lastRestartAt: growth > 0 ? now : record.lastRestartAt,
    failing,
  };
}

/** Docker begins anew with each start by somebody. A container that is seen for the first time has no history. */
function growthOf({ containers }: HealingRecord, { id, restartCount }: Container): number {
  const known = containers[id];
  if (!known) return 0;
  return restartCount >= known.restartCount ? restartCount - known.restartCount : restartCount;
}

/** Those that Docker restarts: at this moment, or since the last look. */
function loopsOf(faults: readonly Fault[], restarted: readonly Container[]): Fault[] {
  const again = restarted.flatMap((one) => faultOf({ ...one, state: 'restarting' }) ?? []);
  return uniqueById([...faults.filter(({ kind }) => kind === 'looping'), ...again]);
}

const uniqueById = (faults: readonly Fault[]): Fault[] => [...new Map(faults.map((one) => [one.id, one])).values()];
