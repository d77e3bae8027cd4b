// What came from the far side, as the type its schema promises.
import type { z } from 'zod';
import { LongshoreError } from '../errors.ts';

/** Unknown fields are dropped. Throws `protocol_violation` that names the fields at fault, never their values. */
export function parseParams<T extends z.ZodType>(schema: T, params: unknown, name: string): z.infer<T> {
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  const fields = Object.fromEntries(parsed.error.issues.map((issue) => [issue.path.join('.'), issue.message]));
  throw new LongshoreError('protocol_violation', { message: `The parameters of "${name}" are not valid`, fields });
}
