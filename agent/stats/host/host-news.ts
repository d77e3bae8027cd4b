// Whether control's picture of a host needs a new sample. Pure.
import { HOST_FIGURES, type HostSample, type HostUsage } from '#shared/stats.ts';
import { hasMoved, isSaidLongAgo, type Threshold } from '../moved.ts';

const MIB = 1024 ** 2;
/** What a machine that does nothing in particular swings by from round to round stays below. */
const THRESHOLDS: Record<keyof HostUsage, Threshold> = {
  cpuCores: { step: 0.1, part: 0.2 },
  load1: { step: 0.5, part: 0.2 },
  memoryBytes: { step: 32 * MIB, part: 0.05 },
  diskBytes: { step: 64 * MIB, part: 0.01 },
  rxBytesPerS: { step: 64 * 1024, part: 0.25 },
  txBytesPerS: { step: 64 * 1024, part: 0.25 },
  readBytesPerS: { step: MIB, part: 0.25 },
  writeBytesPerS: { step: MIB, part: 0.25 },
  temperatureC: { step: 5, part: 0 },
  dockerBytes: { step: 64 * MIB, part: 0.01 },
};
export function isHostNews(told: HostSample | undefined, now: HostSample): boolean {
  if (!told || isSaidLongAgo(told.at, now.at)) return true;
  return HOST_FIGURES.some((name) => hasMoved(told[name], now[name], THRESHOLDS[name]));
}
