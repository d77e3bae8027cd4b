// What healing remembers of a service between looks, and how it changes by what others do. Pure; the agent's table of
// services keeps it, so that neither a kill of the agent nor a reboot makes it forget how often it has tried.
import type { ContainerState, HealingNote } from '#shared/model.ts';

export interface HealingRecord {
  /** Since the last reset. */
  failureCount: number;
  /** Ever: by healing, by Docker's restart policy and by hand. */
  restartCount: number;
  lastRestartAt: number | null;
  /** When there were restarts that count for giving up, the oldest first. */
  tries: readonly number[];
  /** How long the next restart waits; 0: as long as a first one. */
  delayMs: number;
  /** When what is down is restarted; null: nothing is. */
  dueAt: number | null;
  /** Since when nothing is wrong; null while something is. */
  wellSince: number | null;
  /** Ids of containers whose failure is counted. */
  failing: readonly string[];
  gaveUp: GivenUp | null;
  containers: Readonly<Record<string, KnownContainer>>;
}

export interface GivenUp {
  at: number;
  reason: string;
  /** Ids of the containers that are not restarted. */
  containers: readonly string[];
}

export interface KnownContainer {
  /** Docker's own count when it was last looked at. */
  restartCount: number;
  /** When somebody stopped it by hand, 0: never. */
  stoppedAt: number;
  /** When its last end for want of memory was told, 0: never. */
  oomAt: number;
}

export const NEW_RECORD: HealingRecord = {
  failureCount: 0,
  restartCount: 0,
  lastRestartAt: null,
  tries: [],
  delayMs: 0,
  dueAt: null,
  wellSince: null,
  failing: [],
  gaveUp: null,
  containers: {},
};

/** Somebody took it into their own hands: a start, a restart, an enable, a deploy. */
export const afterReset = ({ restartCount, lastRestartAt, containers }: HealingRecord): HealingRecord => ({
  ...NEW_RECORD,
  restartCount,
  lastRestartAt,
  containers: mapKnown(containers, (known) => ({ ...known, stoppedAt: 0 })),
});

export const afterManualRestart = (record: HealingRecord, at: number): HealingRecord => ({
  ...record,
  restartCount: record.restartCount + 1,
  lastRestartAt: at,
});

/** What fell with Docker did not fail; who stopped a container by hand did so until then. */
export const afterEngineStart = (record: HealingRecord): HealingRecord => ({
  ...record,
  failureCount: record.failureCount - record.failing.length,
  failing: [],
  dueAt: null,
  wellSince: null,
  containers: mapKnown(record.containers, (known) => ({ ...known, stoppedAt: 0 })),
});

/** Docker's restarts so far are its own business: of a service that is not healed now. */
export const withCounts = (
  record: HealingRecord,
  containers: readonly { id: string; restartCount: number }[],
): HealingRecord => ({
  ...record,
  dueAt: null,
  containers: Object.fromEntries(
    containers.map(({ id, restartCount }) => [id, { ...knownOf(record, id), restartCount }]),
  ),
});

export const withKnown = (record: HealingRecord, id: string, change: Partial<KnownContainer>): HealingRecord => ({
  ...record,
  containers: { ...record.containers, [id]: { ...knownOf(record, id), ...change } },
});

export const knownOf = ({ containers }: HealingRecord, id: string): KnownContainer =>
  containers[id] ?? { restartCount: 0, stoppedAt: 0, oomAt: 0 };

/** Somebody has started what was given up. */
export const isUpAgain = (
  { containers: given }: GivenUp,
  containers: readonly { id: string; state: ContainerState }[],
): boolean => containers.every(({ id, state }) => state === 'running' || !given.includes(id));

export const toNote = ({ failureCount, restartCount, lastRestartAt, dueAt, gaveUp }: HealingRecord): HealingNote => ({
  failureCount,
  restartCount,
  lastRestartAt,
  nextRestartAt: dueAt,
  gaveUpAt: gaveUp?.at ?? null,
});

const mapKnown = (
  containers: HealingRecord['containers'],
  change: (known: KnownContainer) => KnownContainer,
): HealingRecord['containers'] =>
  Object.fromEntries(Object.entries(containers).map(([id, known]) => [id, change(known)]));
