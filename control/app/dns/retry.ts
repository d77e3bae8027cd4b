// When a name that failed is tried again. Pure.

const FIRST_MS = 10_000;
/** A key that somebody has to mend, or a server that is down for the night. */
const LONGEST_MS = 3600_000;

/** `tries`: that failed in a row, this one included. */
export const retryDelayMs = (tries: number): number => Math.min(FIRST_MS * 2 ** (tries - 1), LONGEST_MS);
