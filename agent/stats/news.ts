// Whether control's picture of a service needs a new sample. Pure. What is below these steps nobody acts on; without
// them each service would send a few hundred bytes every ten seconds for the rest of its life.
import type { ServiceSample } from '#shared/model.ts';
import { hasMoved, isSaidLongAgo } from './moved.ts';

/** An idle process wakes up for a few thousandths of a core; a busy one swings by a tenth from round to round. */
const CPU = { step: 0.02, part: 0.1 };
/** Heaps breathe by a few MiB, large ones by more. */
const MEMORY = { step: 4 * 1024 ** 2, part: 0.05 };
/** What the API shows has steps of one MiB. */
const STORAGE = { step: 1024 ** 2, part: 0.01 };
export function isNews(told: ServiceSample | undefined, now: ServiceSample): boolean {
  if (!told || isSaidLongAgo(told.at, now.at)) return true;
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
