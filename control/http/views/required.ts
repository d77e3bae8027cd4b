// Texts that a body must have, refused with the documented words: `"name": "Service name is required"`.
import { z } from 'zod';

/** Missing, null and empty are the same to whoever filled in a form. */
export const requiredText = (label: string) =>
  z
    .string({
      error: ({ input }) => (input === undefined || input === null ? `${label} is required` : 'Must be a string'),
    })
    .min(1, { error: `${label} is required`, abort: true });
