// What one question brings. Pure.
import type { Answer } from './tracker.ts';

/** Of what comes back, as much as Docker keeps of its own health checks. */
export const OUTPUT_BYTES = 4096;

export type ProbeResult = Pick<Answer, 'verdict' | 'output'>;
