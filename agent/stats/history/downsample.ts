// From many slots to few points. Pure. A mean leaves out what is not known, and a stretch without a measurement is a gap.
import {
  HOST_FIGURES,
  MAX_POINTS,
  nothingOf,
  USAGE_FIGURES,
  type Figures,
  type HostUsage,
  type StatsPoint,
  type Usage,
} from '#shared/stats.ts';
import { FINE_RETENTION_MS, RETENTION_MS, RINGS, type RingName } from './layout.ts';
import type { ContainerRecord, Slot } from './slot.ts';

export interface StretchAsked {
  /** Milliseconds since the epoch; absent: an hour before `until`. */
  since?: number | undefined;
  /** Absent: now. */
  until?: number | undefined;
  stepMs?: number | undefined;
}

export interface Stretch {
  ring: RingName;
  since: number;
  until: number;
  stepMs: number;
}

/** By what does not run. */
export const UNUSED = Object.fromEntries(USAGE_FIGURES.map((name) => [name, 0])) as Usage;

const DEFAULT_LENGTH_MS = 3600_000;

/** What can be answered of it: within what is kept, from the ring that has it, in at most MAX_POINTS steps. */
export function chooseStretch(asked: StretchAsked, now: number): Stretch {
  const until = Math.min(asked.until ?? now, now);
  const since = Math.max(asked.since ?? until - DEFAULT_LENGTH_MS, now - RETENTION_MS);
  const isFine = since >= now - FINE_RETENTION_MS && (asked.stepMs ?? 0) < RINGS.coarse.stepMs;
  const ring = isFine ? 'fine' : 'coarse';
  const base = RINGS[ring].stepMs;
  // The first step begins before `since`, so one less than all of them.
  const least = Math.max(asked.stepMs ?? 0, (until - since) / (MAX_POINTS - 1), base);
  const stepMs = Math.ceil(least / base) * base;
  return { ring, since: Math.floor(since / stepMs) * stepMs, until: Math.max(until, since), stepMs };
}

/** What one slot says of whom was asked about; undefined: nothing. */
export interface Look<Name extends string> {
  at: number;
  sampledAt: number;
  figures: Figures<Name>;
}

/** A point for each step, also for those without a look. */
export function pointsOf<Name extends string>(
  names: readonly Name[],
  looks: readonly Look<Name>[],
  { since, until, stepMs }: Stretch,
): StatsPoint<Name>[] {
  const byStep = Map.groupBy(looks, ({ at }) => Math.floor((at - since) / stepMs));
  const count = Math.ceil((until - since) / stepMs);
  return Array.from({ length: count }, (_, i) => {
    const within = byStep.get(i) ?? [];
    const figures = meanOf(
      names,
      within.map((look) => look.figures),
    );
    const sampledAt = within.length === 0 ? null : Math.max(...within.map((look) => look.sampledAt));
    return { at: since + i * stepMs, sampledAt, ...figures };
  });
}

export const hostLook = ({ at, sampledAt, host }: Slot): Look<keyof HostUsage> => ({ at, sampledAt, figures: host });

/** All containers of the service together, or the one that is meant. */
export function serviceLook(
  { at, sampledAt, containers }: Slot,
  service: number,
  container?: number,
): Look<keyof Usage> | undefined {
  const own = containers.filter((one) => one.service === service);
  const meant = container === undefined ? own : own.filter((one) => one.container === container);
  return meant.length === 0 ? undefined : { at, sampledAt, figures: sumOf(meant.map(({ usage }) => usage)) };
}

/**
 * The slots of a minute as one. A container that was there for half of it counts half, so that the sum over containers
 * stays the sum; a figure that is not known at a look is left out of its mean.
 */
export function foldSlots(slots: readonly Slot[], at: number): Slot {
  const keys = Map.groupBy(
    slots.flatMap(({ containers }) => containers),
    ({ service, container }) => `${service}/${container}`,
  );
  const containers = [...keys.values()].flatMap((records) => foldRecords(records, slots.length));
  const host = meanOf(
    HOST_FIGURES,
    slots.map((slot) => slot.host),
  );
  return { at, sampledAt: Math.max(...slots.map(({ sampledAt }) => sampledAt)), host, containers };
}

function foldRecords(records: readonly ContainerRecord[], looks: number): ContainerRecord[] {
  const [first] = records;
  if (!first) return [];
  const usages = records.map(({ usage }) => usage);
  const absences = Array.from({ length: looks - records.length }, () => UNUSED);
  const known = USAGE_FIGURES.filter((name) => usages.some((usage) => usage[name] !== null));
  return [{ ...first, usage: { ...nothingOf(USAGE_FIGURES), ...meanOf(known, [...usages, ...absences]) } }];
}

function meanOf<Name extends string>(names: readonly Name[], all: readonly Figures<Name>[]): Figures<Name> {
  return combine(names, all, (known) => known.reduce((sum, value) => sum + value, 0) / known.length);
}

const sumOf = (all: readonly Usage[]): Usage =>
  combine(USAGE_FIGURES, all, (known) => known.reduce((sum, value) => sum + value, 0));

/** Null where nobody knows. */
function combine<Name extends string>(
  names: readonly Name[],
  all: readonly Figures<Name>[],
  join: (known: number[]) => number,
): Figures<Name> {
  const values = names.map((name) => {
    const known = all.map((figures) => figures[name]).filter((value) => value !== null);
    return [name, known.length === 0 ? null : join(known)] as const;
  });
  return Object.fromEntries(values) as Figures<Name>;
}
