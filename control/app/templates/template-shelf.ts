// Which templates there are for whom: the catalogue for everybody, users' own ones by their binding.
import { LongshoreError } from '#shared/errors.ts';
import type { TemplateRecord } from '../../store/customer-records.ts';
import type { Stores } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { TemplateOrigin, TemplatePlace } from '../api/templates.ts';
import type { RenderedTemplate, TemplateSource } from './template-source.ts';
import { missing } from '../missing.ts';

/** What a list sorts and searches by. */
export interface ShelfEntry extends TemplatePlace {
  id: string;
  name: string;
  tagline: string;
  category: string;
  version: number;
}

export interface ShelfItem extends ShelfEntry {
  document: string;
}

/** Renders templates for a service that belongs to one customer or to none. */
export interface TemplateRenderer {
  /** Throws 422: `template_variable`, or `validation_error` for a template that this service cannot be made of. */
  render(id: string, given: Record<string, string>): RenderedTemplate;
}

export class TemplateShelf {
  readonly #stores: Stores;
  readonly #source: TemplateSource;
  readonly #catalogue: ReadonlyMap<string, ShelfItem>;

  constructor(stores: Stores, source: TemplateSource) {
    this.#stores = stores;
    this.#source = source;
    const place: TemplatePlace = { origin: 'catalogue', customerId: null, createdAt: null, updatedAt: null };
    this.#catalogue = new Map(
      source.catalogue.map(({ isImported: _i, ...draft }) => [draft.id, { ...draft, ...place }]),
    );
  }

  entries({ customerId }: Caller): ShelfEntry[] {
    return [...this.#catalogue.values(), ...this.#stores.templates.entries(customerId).map(toPlaced)];
  }

  /** Throws not_found. */
  require(caller: Caller, id: string): ShelfItem {
    const item = this.#catalogue.get(id) ?? this.#own(id);
    if (item && isSeen(caller, item)) return item;
    throw missing('template', id);
  }

  /** Also by a template the caller does not see: ids are one name space, as names of hosts are. */
  isTaken(id: string): boolean {
    return this.#catalogue.has(id) || this.#stores.templates.find(id) !== undefined;
  }

  isOfCatalogue(id: string): boolean {
    return this.#catalogue.has(id);
  }

  rendererFor(caller: Caller, customerId: string | null): TemplateRenderer {
    return {
      render: (id, given) => {
        const item = this.#catalogue.get(id) ?? this.#own(id);
        if (!item || !isSeen(caller, item)) throw unusable(`There is no template "${id}"`);
        if (item.customerId !== null && item.customerId !== customerId)
          throw unusable(`Template "${id}" is for services of customer "${item.customerId}"`);
        return this.#source.render(item.document, given);
      },
    };
  }

  #own(id: string): ShelfItem | undefined {
    const record = this.#stores.templates.find(id);
    return record && { ...toPlaced(record), document: record.document };
  }
}

const isSeen = (caller: Caller, { customerId }: ShelfEntry): boolean =>
  caller.customerId === null || customerId === null || customerId === caller.customerId;

function toPlaced({ isImported, ...entry }: Omit<TemplateRecord, 'document'>): ShelfEntry {
  const origin: TemplateOrigin = isImported ? 'imported' : 'own';
  return { ...entry, origin };
}

const unusable = (problem: string): LongshoreError =>
  new LongshoreError('validation_error', { fields: { template_id: problem } });
