// How long the steps of a restore may take, where Longshore itself does them.

/** Gigabytes of dirty pages onto a slow disk. */
export const SYNC_DEADLINE_MS = 30 * 60_000;
/** Deleting millions of files. */
export const REMOVE_DEADLINE_MS = 60 * 60_000;
/** A terabyte over a slow disk. */
export const TAKE_DEADLINE_MS = 24 * 3600_000;
/** Calls that touch a name or two; the rest is Docker's. */
export const QUICK_DEADLINE_MS = 60_000;
