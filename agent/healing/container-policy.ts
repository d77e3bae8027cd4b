// When one failed container is restarted, and when nobody tries any more. Pure: what was remembered of it, what a list
// shows and the time in; what to remember and what to do out.
//
//   well ──failure──▶ waiting (10 s, 20 s … 300 s) ──due──▶ restarted ──▶ well, or waiting again
//     ▲                   │ five restarts in ten minutes
//     │                   ▼
//     └──somebody────── given up: it is not restarted, and stopped where Docker keeps restarting it
//
// A container with a restart policy is Docker's to restart. Those restarts are counted; for giving up they count at our
// own pace, so that a program which ends until its database is there has as long as one without a policy.
import type { Container } from '../docker/engine.ts';
import { faultOf, type Fault } from './faults.ts';
import type { HealingLimits } from './limits.ts';
import type { KnownContainer } from './record.ts';

export interface ContainerFacts {
  known: KnownContainer;
  /** False: it is seen for the first time, and what Docker did with it before is its own business. */
  isKnown: boolean;
  container: Container;
  now: number;
  limits: HealingLimits;
}

/** `wait`: nothing now, look again at `until`; null: when something happens. */
export type Act =
  | { kind: 'wait'; until: number | null }
  | { kind: 'restart' | 'stop'; fault: Fault }
  /** `isLooping`: Docker would restart it on and on. */
  | { kind: 'give_up'; fault: Fault; isLooping: boolean };

export interface ContainerDecision {
  known: KnownContainer;
  act: Act;
  /** Failures that were not counted before; Docker has ended `dockerRestarts` of them by a restart. */
  failures: number;
  dockerRestarts: number;
  /** A restart by Docker that counts for giving up, and is worth a line. */
  dockerTry: Fault | null;
}

type Verdict = Pick<ContainerDecision, 'known' | 'act'> & { dockerTry?: Fault | null };

export function decideContainer({ known: before, isKnown, container, now, limits }: ContainerFacts): ContainerDecision {
  const current = inTime(before, now, limits);
  const fault = faultOf(container, current.stoppedAt);
  const dockerRestarts = isKnown ? growthOf(current, container) : 0;
  const loop = fault?.kind === 'looping' || dockerRestarts > 0 ? faultOf({ ...container, state: 'restarting' }) : null;
  const isFailing = fault !== null && fault.kind !== 'looping';
  const failures = dockerRestarts + Number(isFailing && !current.isFailing);
  const known = { ...current, restartCount: container.restartCount, isFailing };
  const sight = { down: isFailing ? fault : null, loop, hasNews: dockerRestarts > 0, now, limits };
  const isUp = fault === null && loop === null;
  const verdict = known.gaveUp
    ? whenGivenUp(known, container, sight)
    : isUp
      ? whenWell(known, sight)
      : whenFailing(known, sight);
  return { dockerTry: null, ...verdict, failures, dockerRestarts };
}

/** A restart that is to be made now, as it is remembered before it is made. */
export const noteTry = (known: KnownContainer, now: number, limits: HealingLimits): KnownContainer => ({
  ...tried(known, now, limits),
  dueAt: null,
  isFailing: false,
});

interface Sight {
  /** Nobody but us brings it back. */
  down: Fault | null;
  /** Docker restarts it: at this moment, or since the last look. */
  loop: Fault | null;
  hasNews: boolean;
  now: number;
  limits: HealingLimits;
}

function whenFailing(before: KnownContainer, { down, loop, hasNews, now, limits }: Sight): Verdict {
  const known = { ...before, wellSince: null };
  const fault = down ?? loop;
  if (fault && (hasNews || down) && known.tries.length >= limits.restarts)
    return { known: { ...known, dueAt: null }, act: { kind: 'give_up', fault, isLooping: loop !== null } };
  const isTry = hasNews && now - (known.tries.at(-1) ?? -Infinity) >= known.delayMs;
  const next = isTry ? tried(known, now, limits) : known;
  const dockerTry = isTry ? loop : null;
  if (!down) return { known: { ...next, dueAt: null }, act: { kind: 'wait', until: now + limits.wellMs }, dockerTry };
  const dueAt = known.dueAt ?? now + next.delayMs;
  const act: Act = dueAt <= now ? { kind: 'restart', fault: down } : { kind: 'wait', until: dueAt };
  return { known: { ...next, dueAt }, act, dockerTry };
}

/** What somebody started by hand may run; what ends all the same is kept down. */
function whenGivenUp(known: KnownContainer, { state }: Container, sight: Sight): Verdict {
  if (state === 'running' && !sight.down && !sight.loop) return whenWell(known, sight);
  const act: Act = sight.loop ? { kind: 'stop', fault: sight.loop } : { kind: 'wait', until: null };
  return { known: { ...known, wellSince: null, dueAt: null }, act };
}

function whenWell(before: KnownContainer, { now, limits }: Sight): Verdict {
  const wellSince = before.wellSince ?? now;
  const known = { ...before, wellSince, dueAt: null };
  const isMarked = known.tries.length > 0 || known.delayMs > limits.firstDelayMs || known.gaveUp !== null;
  if (!isMarked) return { known, act: { kind: 'wait', until: null } };
  const until = wellSince + limits.wellMs;
  if (now < until) return { known, act: { kind: 'wait', until } };
  return {
    known: { ...known, tries: [], delayMs: limits.firstDelayMs, gaveUp: null },
    act: { kind: 'wait', until: null },
  };
}

const tried = (known: KnownContainer, now: number, { maxDelayMs }: HealingLimits): KnownContainer => ({
  ...known,
  tries: [...known.tries, now],
  delayMs: Math.min(known.delayMs * 2, maxDelayMs),
});

/** Forgets tries that are past the window. A clock that was set back must not hold a restart for a year. */
function inTime(known: KnownContainer, now: number, limits: HealingLimits): KnownContainer {
  const { dueAt, wellSince, delayMs } = known;
  return {
    ...known,
    delayMs: Math.max(limits.firstDelayMs, Math.min(delayMs, limits.maxDelayMs)),
    tries: known.tries.filter((at) => at <= now && at > now - limits.windowMs),
    dueAt: dueAt !== null && dueAt > now + limits.maxDelayMs ? now + limits.maxDelayMs : dueAt,
    wellSince: wellSince !== null && wellSince > now ? now : wellSince,
  };
}

/** Docker begins anew with each start by somebody. */
const growthOf = (known: KnownContainer, { restartCount }: Container): number =>
  restartCount >= known.restartCount ? restartCount - known.restartCount : restartCount;
