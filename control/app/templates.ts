// The catalogue as callers see it.
import { LongshoreError } from '#shared/errors.ts';
import type { Caller } from './api/caller.ts';
import type { Order, Page, Paging } from './api/page.ts';
import type { Template, TemplateDetail, Templates } from './api/templates.ts';
import type { TemplateSource } from './template-source.ts';

export class TemplateDesk implements Templates {
  readonly #source: TemplateSource;

  constructor(source: TemplateSource) {
    this.#source = source;
  }

  list(
    _caller: Caller,
    query: Paging & { category?: string | undefined; search?: string | undefined; order?: Order | undefined },
  ): Page<Template> {
    const { category, order, page, perPage } = query;
    const search = query.search?.toLowerCase() ?? '';
    const found = this.#source
      .all()
      .filter((template) => category === undefined || template.category === category)
      .filter(({ id, name, tagline }) => `${id}\n${name}\n${tagline}`.toLowerCase().includes(search))
      .toSorted((a, b) => a.name.localeCompare(b.name, 'en') * (order === 'desc' ? -1 : 1));
    return { items: found.slice((page - 1) * perPage, page * perPage), total: found.length, page, perPage };
  }

  require(_caller: Caller, id: string): TemplateDetail {
    const template = this.#source.find(id);
    if (!template) throw new LongshoreError('not_found', { message: `There is no template "${id}"` });
    return template;
  }
}
