// What is to be done about the containers of a service, each judged by itself (container-policy.ts): one that flaps is
// given up alone, and what stands beside it is healed on. Pure.
import type { Container } from '../docker/engine.ts';
import { decideContainer, noteTry, type Act } from './container-policy.ts';
import { describeFaults, type Fault } from './faults.ts';
import type { HealingLimits } from './limits.ts';
import { knownOf, withKnown, type HealingRecord } from './record.ts';

export interface HealingFacts {
  record: HealingRecord;
  containers: readonly Container[];
  now: number;
  limits: HealingLimits;
}

/** `wait` is not among them. */
export type Deed = Exclude<Act, { kind: 'wait' }>;

export interface Decision {
  record: HealingRecord;
  /** To be done now. */
  deeds: Deed[];
  /** When to look again at those about which nothing is done now; null: when something happens. */
  until: number | null;
  /** Restarts by Docker that count for giving up, and are worth a line. */
  dockerTries: Fault[];
}

export function decideHealing({ record, containers, now, limits }: HealingFacts): Decision {
  const all = containers.map((container) => {
    const isKnown = record.containers[container.id] !== undefined;
    const facts = { known: knownOf(record, container.id), isKnown, container, now, limits };
    return { id: container.id, ...decideContainer(facts) };
  });
  const dockerRestarts = sum(all.map((one) => one.dockerRestarts));
  const untils = all.flatMap(({ act }) => (act.kind === 'wait' && act.until !== null ? [act.until] : []));
  return {
    record: {
      failureCount: record.failureCount + sum(all.map(({ failures }) => failures)),
      restartCount: record.restartCount + dockerRestarts,
      lastRestartAt: dockerRestarts > 0 ? now : record.lastRestartAt,
      containers: Object.fromEntries(all.map(({ id, known }) => [id, known])),
    },
    deeds: all.flatMap(({ act }) => (act.kind === 'wait' ? [] : [act])),
    until: untils.length === 0 ? null : Math.min(...untils),
    dockerTries: all.flatMap(({ dockerTry }) => dockerTry ?? []),
  };
}

/** A restart that is to be made now, as it is remembered before it is made. */
export const noteRestart = (record: HealingRecord, id: string, now: number, limits: HealingLimits): HealingRecord => ({
  ...withKnown(record, id, noteTry(knownOf(record, id), now, limits)),
  restartCount: record.restartCount + 1,
  lastRestartAt: now,
});

/** That nobody tries any more. */
export const noteGivenUp = (record: HealingRecord, id: string, reason: string, now: number): HealingRecord =>
  withKnown(record, id, { dueAt: null, gaveUp: { at: now, reason } });

export function reasonOf(fault: Fault, { restarts, windowMs }: HealingLimits): string {
  const minutes = Math.max(1, Math.round(windowMs / 60_000));
  return `Gave up after ${restarts} restarts in ${minutes} minutes: ${describeFaults([fault])}`;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
