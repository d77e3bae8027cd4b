// The list of templates: what of it is asked for, in which order. Pure, because half of it is no table.
import type { TemplateQuery } from '../api/templates.ts';
import type { ShelfEntry } from './template-shelf.ts';

const compareText = (a: string, b: string): number => a.localeCompare(b, 'en');

const COMPARE: Record<TemplateQuery['sort'], (a: ShelfEntry, b: ShelfEntry) => number> = {
  name: (a, b) => compareText(a.name, b.name),
  category: (a, b) => compareText(a.category, b.category) || compareText(a.name, b.name),
  version: (a, b) => a.version - b.version,
  // The catalogue was there before everything else.
  created_at: (a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0),
  updated_at: (a, b) => (a.updatedAt ?? 0) - (b.updatedAt ?? 0),
};

/** Those that fit, in order; equal ones by id, so that pages never overlap. */
export function orderTemplates(
  entries: readonly ShelfEntry[],
  query: Omit<TemplateQuery, 'page' | 'perPage'>,
): ShelfEntry[] {
  const { category, origin, sort, order } = query;
  const search = query.search?.toLowerCase() ?? '';
  const compare = (a: ShelfEntry, b: ShelfEntry) => COMPARE[sort](a, b) || (a.id < b.id ? -1 : 1);
  return entries
    .filter((entry) => category === undefined || entry.category === category)
    .filter((entry) => origin === undefined || entry.origin === origin)
    .filter(({ id, name, tagline }) => `${id}\n${name}\n${tagline}`.toLowerCase().includes(search))
    .toSorted((a, b) => compare(a, b) * (order === 'desc' ? -1 : 1));
}
