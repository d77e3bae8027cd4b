// Drift in one line for the timeline: what differs, by name. Values stay out of it, they may be secret. Pure.
import { placeOf, type DriftedContainer } from './compare.ts';
import type { Drift } from './drift.ts';

/** A line stays readable up to here; who wants all of it asks for the drift. */
const MAX_CHARS = 500;

export function driftMessage({ state, revision, services, files }: Drift): string {
  if (state !== 'drifted') return `What runs is what revision ${revision ?? '?'} says`;
  const parts = [...services.map(inWords), ...files.map(({ path, change }) => `file ${path} ${verbs[change]}`)];
  const text = `Drifted from revision ${revision ?? '?'}: ${parts.join('; ')}`;
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1)}…` : text;
}

const verbs = { missing: 'is missing', extra: 'is not of it', changed: 'changed' } as const;

/** Where containers differ, each place once. */
export const placesOf = (containers: readonly DriftedContainer[]): string =>
  [...new Set(containers.flatMap(({ fields }) => fields.map(placeOf)))].join(', ');

const inWords = ({ container, change, fields }: DriftedContainer): string =>
  change === 'changed' ? `${container} has another ${fields.map(placeOf).join(', ')}` : `${container} ${verbs[change]}`;
