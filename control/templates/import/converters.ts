// The formats that can be imported, in the order in which a text is compared with them.
import type { ImportFormat } from '../schema.ts';
import type { Converter } from './conversion.ts';
import { longshore } from './longshore.ts';

export const CONVERTERS: Record<ImportFormat, Converter> = {
  longshore,
} as Record<ImportFormat, Converter>;
