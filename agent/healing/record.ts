// What healing remembers of a service between looks, and how it changes by what others do. Pure; the agent's table of
// services keeps it, so that neither a kill of the agent nor a reboot makes it forget how often it has tried.
import type { ContainerState, HealingNote } from '#shared/model.ts';

export interface HealingRecord {
  /** Since the last reset. */
  failureCount: number;
  /** Ever: by healing, by Docker's restart policy and by hand. */
  restartCount: number;
  lastRestartAt: number | null;
  /** By id. Those that are gone are forgotten. */
  containers: Readonly<Record<string, KnownContainer>>;
}

export interface KnownContainer {
  /** Docker's own count when it was last looked at. */
  restartCount: number;
  /** When somebody stopped it by hand, 0: never. */
  stoppedAt: number;
  /** When its last end for want of memory was told, 0: never. */
  oomAt: number;
  /** When there were restarts that count for giving up, the oldest first. */
  tries: readonly number[];
  /** How long the next restart waits; 0: as long as a first one. */
  delayMs: number;
  /** When it is restarted; null: it is not down. */
  dueAt: number | null;
  /** Since when nothing is wrong; null while something is. */
  wellSince: number | null;
  /** Its failure is counted. */
  isFailing: boolean;
  gaveUp: { at: number; reason: string } | null;
}

export const NEW_RECORD: HealingRecord = { failureCount: 0, restartCount: 0, lastRestartAt: null, containers: {} };

const NEW_CONTAINER: KnownContainer = {
  restartCount: 0,
  stoppedAt: 0,
  oomAt: 0,
  tries: [],
  delayMs: 0,
  dueAt: null,
  wellSince: null,
  isFailing: false,
  gaveUp: null,
};

/** Somebody took it into their own hands. What was stopped by hand stays so. */
export const afterReset = ({ restartCount, lastRestartAt, containers }: HealingRecord): HealingRecord => ({
  ...NEW_RECORD,
  restartCount,
  lastRestartAt,
  containers: mapKnown(containers, (known) => ({
    ...NEW_CONTAINER,
    restartCount: known.restartCount,
    stoppedAt: known.stoppedAt,
    oomAt: known.oomAt,
  })),
});

/** Somebody wants it to run: a start, a restart, a deploy. */
export const afterOrder = (record: HealingRecord): HealingRecord => {
  const reset = afterReset(record);
  return { ...reset, containers: mapKnown(reset.containers, (known) => ({ ...known, stoppedAt: 0 })) };
};

export const afterManualRestart = (record: HealingRecord, at: number): HealingRecord => ({
  ...record,
  restartCount: record.restartCount + 1,
  lastRestartAt: at,
});

/** What fell with Docker did not fail; who stopped a container by hand did so until then. */
export const afterEngineStart = (record: HealingRecord): HealingRecord => ({
  ...record,
  failureCount: record.failureCount - Object.values(record.containers).filter(({ isFailing }) => isFailing).length,
  containers: mapKnown(record.containers, (known) => ({
    ...known,
    stoppedAt: 0,
    isFailing: false,
    dueAt: null,
    wellSince: null,
  })),
});

/** Docker's restarts so far are its own business: of a service that is not healed now. */
export const withCounts = (
  record: HealingRecord,
  containers: readonly { id: string; restartCount: number }[],
): HealingRecord => ({
  ...record,
  containers: Object.fromEntries(
    containers.map(({ id, restartCount }) => [id, { ...knownOf(record, id), restartCount, dueAt: null }]),
  ),
});

export const withKnown = (record: HealingRecord, id: string, change: Partial<KnownContainer>): HealingRecord => ({
  ...record,
  containers: { ...record.containers, [id]: { ...knownOf(record, id), ...change } },
});

export const knownOf = ({ containers }: HealingRecord, id: string): KnownContainer => ({
  ...NEW_CONTAINER,
  ...containers[id],
});

/** When the first of those that are down is restarted; null: none is. */
export const nextDueOf = ({ containers }: HealingRecord): number | null =>
  earliest(Object.values(containers).map(({ dueAt }) => dueAt));

/** What was given up and is not up again: nobody has started it since, or something of the service still ails. */
export function givenUpIn(
  { containers: known }: HealingRecord,
  containers: readonly { id: string; state: ContainerState }[],
  isHealthy: boolean,
): NonNullable<KnownContainer['gaveUp']>[] {
  const given = containers.flatMap(({ id, state }) => {
    const gaveUp = known[id]?.gaveUp;
    return gaveUp ? [{ gaveUp, isUp: state === 'running' }] : [];
  });
  return isHealthy && given.every(({ isUp }) => isUp) ? [] : given.map(({ gaveUp }) => gaveUp);
}

export const toNote = (record: HealingRecord): HealingNote => ({
  failureCount: record.failureCount,
  restartCount: record.restartCount,
  lastRestartAt: record.lastRestartAt,
  nextRestartAt: nextDueOf(record),
  gaveUpAt: earliest(Object.values(record.containers).map(({ gaveUp }) => gaveUp?.at ?? null)),
});

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}

const mapKnown = (
  containers: HealingRecord['containers'],
  change: (known: KnownContainer) => KnownContainer,
): HealingRecord['containers'] =>
  Object.fromEntries(Object.entries(containers).map(([id, known]) => [id, change(known)]));
