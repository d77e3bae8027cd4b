// Templates as callers see and change them.
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import type { TemplateRecord } from '../../store/customer-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import type { Caller } from '../api/caller.ts';
import type { Page } from '../api/page.ts';
import type {
  ImportOutcome,
  NewTemplate,
  Template,
  TemplateDetail,
  TemplateImport,
  TemplateQuery,
  TemplateSourceTexts,
  Templates,
  WholeTemplateSource,
} from '../api/templates.ts';
import type { IdempotencyDesk } from '../idempotency.ts';
import { orderTemplates } from './template-order.ts';
import type { ShelfEntry, ShelfItem, TemplateShelf } from './template-shelf.ts';
import type { DraftTemplate, FetchText, TemplateSource } from './template-source.ts';

/** Of one customer, or for everybody: a list reads all entries. The largest public collection has about 700. */
const MAX_OWN_TEMPLATES = 2000;
/** With their texts. A usual one has 5 kB. */
const MAX_OWN_BYTES = 64 * 1024 * 1024;

export interface TemplateDeskDeps {
  stores: Stores;
  effects: IdempotencyDesk;
  shelf: TemplateShelf;
  templates: TemplateSource;
  fetchText: FetchText;
  clock: Clock;
}

export class TemplateDesk implements Templates {
  readonly #deps: TemplateDeskDeps;

  constructor(deps: TemplateDeskDeps) {
    this.#deps = deps;
  }

  list(caller: Caller, query: TemplateQuery): Page<Template> {
    const { page, perPage } = query;
    const found = orderTemplates(this.#deps.shelf.entries(caller), query);
    const shown = found.slice((page - 1) * perPage, page * perPage);
    const items = shown.map(({ id }) => this.#toTemplate(this.#deps.shelf.require(caller, id)));
    return { items, total: found.length, page, perPage };
  }

  require(caller: Caller, id: string): TemplateDetail {
    return this.#toDetail(this.#deps.shelf.require(caller, id));
  }

  source(caller: Caller, id: string): WholeTemplateSource {
    return this.#deps.templates.toSource(this.#deps.shelf.require(caller, id).document);
  }

  async create(caller: Caller, input: NewTemplate): Promise<TemplateDetail> {
    const { effects, templates } = this.#deps;
    const id = await effects.perform(() => {
      const draft = templates.read(input);
      const customerId = this.#ownerOf(caller, input.customerId);
      return () => {
        if (this.#deps.shelf.isTaken(draft.id)) throw taken(draft.id);
        const made = this.#insert(draft, customerId);
        this.#requireRoom(customerId);
        return made;
      };
    });
    return this.require(caller, id);
  }

  async replace(caller: Caller, id: string, input: TemplateSourceTexts): Promise<TemplateDetail> {
    const { effects, templates, stores, clock } = this.#deps;
    await effects.perform(() => () => {
      const { version, customerId, createdAt } = this.#requireOwn(caller, id);
      const draft = templates.read(input, version + 1);
      if (draft.id !== id)
        throw new LongshoreError('template_invalid', { fields: { 'manifest.id': `must be "${id}"` } });
      stores.templates.update({ ...draft, customerId, createdAt, updatedAt: clock.now() });
      this.#requireRoom(customerId);
      return null;
    });
    return this.require(caller, id);
  }

  async remove(caller: Caller, id: string): Promise<void> {
    await this.#deps.effects.perform(() => () => {
      this.#requireOwn(caller, id);
      this.#deps.stores.templates.remove(id);
      return null;
    });
  }

  async import(caller: Caller, input: TemplateImport): Promise<ImportOutcome> {
    const { effects, templates, fetchText } = this.#deps;
    const customerId = this.#ownerOf(caller, input.customerId);
    const { drafts, skipped } = await templates.convert(input, fetchText);
    const { fresh, clashes } = this.#sortOut(drafts);
    if (input.isDryRun)
      return this.#toOutcome(
        fresh.map((draft) => this.#toItem(draft, customerId)),
        [...skipped, ...clashes],
      );
    const done = await effects.perform(() => (_tx: WriteContext) => {
      const { fresh: still, clashes: lost } = this.#sortOut(drafts);
      const ids = still.map((draft) => this.#insert(draft, customerId));
      this.#requireRoom(customerId);
      return { ids, skipped: [...skipped, ...lost] };
    });
    return this.#toOutcome(
      done.ids.map((id) => this.#deps.shelf.require(caller, id)),
      done.skipped,
    );
  }

  #toOutcome(items: ShelfItem[], skipped: ImportOutcome['skipped']): ImportOutcome {
    return { imported: items.map((item) => this.#toDetail(item)), skipped };
  }

  /** Those whose id is free, also among themselves. */
  #sortOut(drafts: readonly DraftTemplate[]): { fresh: DraftTemplate[]; clashes: ImportOutcome['skipped'] } {
    const seen = new Set<string>();
    const fresh: DraftTemplate[] = [];
    const clashes: ImportOutcome['skipped'] = [];
    for (const draft of drafts) {
      if (seen.has(draft.id) || this.#deps.shelf.isTaken(draft.id))
        clashes.push({ name: draft.name, reason: `the id "${draft.id}" is taken` });
      else fresh.push(draft);
      seen.add(draft.id);
    }
    return { fresh, clashes };
  }

  #insert(draft: DraftTemplate, customerId: string | null): string {
    const now = this.#deps.clock.now();
    this.#deps.stores.templates.insert({ ...draft, customerId, createdAt: now, updatedAt: now });
    return draft.id;
  }

  #ownerOf(caller: Caller, customerId: string | undefined): string | null {
    const isForeign = caller.customerId !== null && customerId !== undefined && customerId !== caller.customerId;
    const owner = customerId ?? caller.customerId;
    if (owner === null || (!isForeign && this.#deps.stores.customers.find(owner))) return owner;
    throw new LongshoreError('validation_error', { fields: { customer_id: 'Invalid customer ID' } });
  }

  /** One that the caller may change: a bound key leaves those for everybody alone. */
  #requireOwn(caller: Caller, id: string): TemplateRecord {
    const { shelf, stores } = this.#deps;
    const { origin, customerId } = shelf.require(caller, id);
    const record = stores.templates.find(id);
    if (origin === 'catalogue' || !record) throw fixed(id, 'is of the catalogue');
    if (caller.customerId !== null && customerId === null)
      throw fixed(id, 'is for everybody, your key for one customer');
    return record;
  }

  /** Called after the write, which a refusal undoes with its transaction. */
  #requireRoom(customerId: string | null): void {
    const { total, bytes } = this.#deps.stores.templates.size(customerId);
    if (total <= MAX_OWN_TEMPLATES && bytes <= MAX_OWN_BYTES) return;
    const room = `${MAX_OWN_TEMPLATES} own templates of ${MAX_OWN_BYTES / 1024 / 1024} MiB together`;
    throw new LongshoreError('state_conflict', {
      message: `There is room for ${room}`,
      details: 'Delete those that are not used any more: services made of them keep working.',
    });
  }

  #toItem({ isImported: _i, ...draft }: DraftTemplate, customerId: string | null): ShelfItem {
    const now = this.#deps.clock.now();
    return { ...draft, origin: 'imported', customerId, createdAt: now, updatedAt: now };
  }

  #toTemplate({ document, ...entry }: ShelfItem): Template {
    return { ...this.#deps.templates.toText(document), ...placeOf(entry) };
  }

  #toDetail(item: ShelfItem): TemplateDetail {
    return { ...this.#toTemplate(item), ...this.#deps.templates.toMore(item.document) };
  }
}

const placeOf = ({ origin, customerId, createdAt, updatedAt }: ShelfEntry) => ({
  origin,
  customerId,
  createdAt,
  updatedAt,
});

const fixed = (id: string, why: string): LongshoreError =>
  new LongshoreError('state_conflict', {
    message: `Template "${id}" cannot be changed: it ${why}`,
    details: `Copy it: take GET /api/templates/${id}/source, give it another id, and create that.`,
  });

const taken = (id: string): LongshoreError =>
  new LongshoreError('name_taken', {
    message: `There is a template "${id}" already`,
    fields: { 'manifest.id': 'is taken' },
  });
