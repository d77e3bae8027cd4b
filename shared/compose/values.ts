// Reading plain data that has the shape of a compose file only if Compose will accept it: nothing here throws.

export type ComposeMap = Record<string, unknown>;

/** `written`: as the user gave it, with `${…}`. `normalised`: as `docker compose config` prints it. */
export type ComposeForm = 'written' | 'normalised';

export const isMap = (value: unknown): value is ComposeMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A scalar's text; empty for everything else. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** A value whose variable is not filled in yet; `$$` is a plain dollar. */
export const isOpen = (value: unknown, form: ComposeForm): boolean =>
  form === 'written' && typeof value === 'string' && /\$/.test(value.replaceAll('$$', ''));

/** What is meant by a text that is not open, as it is written and as `config` prints it: both say each dollar twice. */
export const unescaped = (text: string): string => text.replaceAll('$$', '$');

/** A map's entries whose values are maps; everything else is Compose's to refuse. */
export function entriesOf(value: unknown): [string, ComposeMap][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, item]) => [key, typeof item === 'object' && item !== null ? item : {}]);
}

/** A list as it is, one value as a list of one, nothing as none. */
export const listOf = (value: unknown): unknown[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};

/** As Compose reads a boolean, also one that was written as text. */
export const isTrue = (value: unknown): boolean => value === true || /^(true|yes|on|y|1)$/i.test(textOf(value));
