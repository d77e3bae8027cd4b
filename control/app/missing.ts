// What is not there, or not for this caller: the same words for both, as the API documents them.
import { LongshoreError } from '#shared/errors.ts';

/** `what`: in lower case, as in "service". */
export const missing = (what: string, id: string): LongshoreError =>
  new LongshoreError('not_found', {
    message: `${what.charAt(0).toUpperCase()}${what.slice(1)} not found`,
    details: `No ${what} with ID ${id} exists`,
  });
