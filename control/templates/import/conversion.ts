// What every converter takes and gives. Converters are pure: texts in, templates out, and each thing that could not be
// carried over named in words. What they give is read like any template afterwards, so nothing unchecked gets through.
import { LongshoreError } from '#shared/errors.ts';
import type { TemplateTexts } from '../read.ts';

/** Texts by name; `content` when there is only one and it came without a name. */
export type Texts = Readonly<Record<string, string>>;
export const ONLY = 'content';

export interface ConvertOptions {
  /** Milliseconds since the epoch. */
  nowMs: number;
  /** What was behind the URLs that the converter named in `linksOf`; absent where it could not be had. */
  fetched: ReadonlyMap<string, string>;
}

export interface Converted {
  texts: Omit<TemplateTexts, 'manifest'> & { manifest: Record<string, unknown> };
  lost: string[];
}

export interface Skipped {
  name: string;
  reason: string;
}

export interface Conversion {
  templates: Converted[];
  skipped: Skipped[];
}

export interface Converter {
  /** Whether the texts are of its format. */
  fits(texts: Texts): boolean;
  /** URLs of further texts that it needs. */
  linksOf?(texts: Texts): string[];
  /** Throws `template_invalid` when nothing can be made of the texts. */
  convert(texts: Texts, options: ConvertOptions): Conversion;
}

export const unreadable = (details: string, cause?: unknown): LongshoreError =>
  new LongshoreError('template_invalid', { message: 'The import is not valid', details, cause });

/** A template that cannot be carried over at all; others of the same import still can. */
export class NotConvertible extends LongshoreError {
  constructor(reason: string) {
    super('template_invalid', { details: reason });
  }
}

/** Converts each; one that is not convertible is told, texts that are not of the format at all still throw. */
export function tryEach<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  convert: (item: T) => Converted,
): Conversion {
  const conversion: Conversion = { templates: [], skipped: [] };
  for (const item of items) {
    try {
      conversion.templates.push(convert(item));
    } catch (error) {
      if (!(error instanceof NotConvertible)) throw error;
      conversion.skipped.push({ name: nameOf(item), reason: error.details ?? error.message });
    }
  }
  return conversion;
}

/** An id of a name, by the grammar of template ids. */
export function slugOf(text: string): string {
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  return plain.replace(/^-+/, '').slice(0, 63).replace(/-+$/, '') || 'template';
}

/** A link only when a browser would follow it as one. */
export const webUrl = (value: unknown): string | undefined => {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url && ['http:', 'https:'].includes(url.protocol) ? url.href : undefined;
};
