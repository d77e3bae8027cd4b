// Which hosts an upgrade is for, and how many at a time. Pure.
import { compareVersions } from '#shared/release/version.ts';
import type { HostFacts } from '#shared/model.ts';

export interface Offer {
  version: string;
  /** Of machines that there is a release for, as Node calls them. */
  architectures: readonly string[];
}

/** Why this host is passed over; null: it is not. */
export function whyPassedOver(
  facts: Pick<HostFacts, 'agentVersion' | 'arch'> | null,
  { version, architectures }: Offer,
  allowsDowngrade: boolean,
): string | null {
  if (!facts) return null; // it was never here: its turn tells
  if (facts.agentVersion === version) return `It has ${version} already`;
  if (!architectures.includes(facts.arch)) return `There is no release for ${facts.arch}`;
  const isOlder = compareVersions(version, facts.agentVersion) < 0;
  return isOlder && !allowsDowngrade ? `It has ${facts.agentVersion}, which is newer` : null;
}

export const DEFAULT_WAVE = '10%';
export const WAVE = /^([1-9]\d?|100)%$|^[1-9]\d{0,3}$/;

/** All of a wave download at once, of which control lets 256 (http/downloads.ts); who waits longer than a while has failed. */
const MAX_WAVE = 200;

/** `10%` of them, or so many; at least one. */
export function waveSizeOf(wave: string, hosts: number): number {
  const count = Number.parseInt(wave, 10);
  const size = wave.endsWith('%') ? Math.ceil((hosts * count) / 100) : count;
  return Math.min(Math.max(1, size), MAX_WAVE);
}
