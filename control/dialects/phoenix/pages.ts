// Pure: one page over several lists, one after the other, and the links to the pages around it.

export interface Section<T> {
  total: number;
  /** Of the list by itself, from page 1. */
  page(page: number, perPage: number): readonly T[];
}

export interface PageAsked {
  page: number;
  perPage: number;
}

/** Pages of a section that do not begin where ours does are put together from two. */
export function pick<T>(sections: readonly Section<T>[], { page, perPage }: PageAsked): { items: T[]; total: number } {
  const items: T[] = [];
  let total = 0;
  for (const section of sections) {
    const offset = Math.max(0, (page - 1) * perPage - total);
    const room = perPage - items.length;
    if (room > 0 && offset < section.total && page * perPage > total)
      items.push(...slice(section, offset, perPage).slice(0, room));
    total += section.total;
  }
  return { items, total };
}

/** Up to `perPage` from `offset` on. */
function slice<T>(section: Section<T>, offset: number, perPage: number): T[] {
  const first = Math.floor(offset / perPage) + 1;
  const skipped = offset % perPage;
  const found = section.page(first, perPage).slice(skipped);
  return skipped === 0 ? [...found] : [...found, ...section.page(first + 1, perPage).slice(0, skipped)];
}

export interface Asked extends PageAsked {
  /** Where the list is, and what of its query the links repeat. */
  path: string;
  query: Readonly<Record<string, string | number | undefined>>;
}

export function toPagination({ path, query, page, perPage }: Asked, count: number, total: number) {
  const totalPages = Math.max(1, Math.ceil(total / perPage));
  const linkTo = (to: number) => `${path}?${new URLSearchParams({ page: String(to), ...given(query) }).toString()}`;
  return {
    total,
    count,
    per_page: perPage,
    current_page: page,
    total_pages: totalPages,
    links: {
      ...(page > 1 && { previous: linkTo(Math.min(page - 1, totalPages)) }),
      ...(page < totalPages && { next: linkTo(page + 1) }),
    },
  };
}

const given = (query: Asked['query']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
