// Whether control's picture of a service needs a new sample. Pure. What is below these steps nobody acts on; without
// them each service would send a few hundred bytes every ten seconds for the rest of its life.
import type { ServiceSample } from '#shared/model.ts';
import { hasMoved } from './moved.ts';

/** An idle process wakes up for a few thousandths of a core; a busy one swings by a tenth from round to round. */
const CPU = { step: 0.02, part: 0.1 };
/** Heaps breathe by a few MiB, large ones by more. */
const MEMORY = { step: 4 * 1024 ** 2, part: 0.05 };
/** What the API shows has steps of one MiB. */
const STORAGE = { step: 1024 ** 2, part: 0.01 };
/** A message may be lost, and a number has an age: what is steady is said again at times. */
const SAID_AGAIN_MS = 5 * 60_000;

export function isNews(told: ServiceSample | undefined, now: ServiceSample): boolean {
  if (!told || now.at - told.at >= SAID_AGAIN_MS || now.at < told.at) return true;
  return (
    hasMoved(told.cpuCores, now.cpuCores, CPU) ||
    hasMoved(told.memoryBytes, now.memoryBytes, MEMORY) ||
    hasMoved(told.storageBytes, now.storageBytes, STORAGE) ||
    told.cpuLimitCores !== now.cpuLimitCores ||
    told.memoryLimitBytes !== now.memoryLimitBytes ||
    told.consecutiveFailures !== now.consecutiveFailures ||
    told.lastCheckAt !== now.lastCheckAt // looked up twice a minute at most: see roster.ts
  );
}
