// What every list has in common: its query and its envelope.
import { z } from 'zod';
import type { Page, Paging } from '../../app/api/page.ts';

export const MAX_PER_PAGE = 100;

/** Query fields of every list; spread into a strict object. */
export const pagingFields = {
  page: z.coerce.number().int().min(1).max(1_000_000).default(1).describe('Page, from 1'),
  per_page: z.coerce.number().int().min(1).max(MAX_PER_PAGE).default(20).describe('Items a page'),
};

export const orderField = z.enum(['asc', 'desc']).default('asc').describe('Ascending or descending');

/** A timeline is read from its end: these lists start with the newest unless asked otherwise. */
export const newestFirst = orderField.default('desc');

/** A filter or search text: long enough for any name, short enough for any index. */
export const filterText = z.string().min(1).max(200);

export const fromPaging = (query: { page: number; per_page: number }): Paging => ({
  page: query.page,
  perPage: query.per_page,
});

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    total: z.number().int().describe('How many there are on all pages'),
    page: z.number().int(),
    per_page: z.number().int(),
  });

export function toPageView<T, V>(page: Page<T>, toView: (item: T) => V) {
  return { data: page.items.map(toView), total: page.total, page: page.page, per_page: page.perPage };
}

export const timestamp = z.iso.datetime().meta({ example: '2026-03-29T10:00:00Z' });
export const idParams = z.object({ id: z.string() });
