// Amounts on the command line: `--memory 512`, `--memory none`.
import { LongshoreError } from '#shared/errors.ts';

/** A field of a body, absent when the flag is. Which numbers make sense is the API's to say. Throws `bad_request`. */
export function limitField(field: string, text: string | undefined, flag: string): Record<string, number | null> {
  if (text === undefined) return {};
  const value = text === 'none' ? null : Number(text);
  if (text.trim() !== '' && !Number.isNaN(value)) return { [field]: value };
  throw new LongshoreError('bad_request', { message: `${flag} takes a number, or none` });
}
