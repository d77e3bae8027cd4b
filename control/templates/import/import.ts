// An import from end to end: texts are fetched, recognised, converted, and what comes out is read as any template is.
// What cannot be carried over is told by template; only texts of no known form are an error.
import { COMPOSE_LIMITS } from '#shared/compose/parse.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { AskedFormat, TemplateImport } from '../../app/api/templates.ts';
import type { FetchText } from '../../app/templates/template-source.ts';
import { readTemplate } from '../read.ts';
import { CATEGORIES, type ImportFormat, type TemplateDefinition } from '../schema.ts';
import { CONVERTERS } from './converters.ts';
import { ONLY, unreadable, type Converted, type Skipped, type Texts } from './conversion.ts';

export interface ImportDeps {
  fetchText: FetchText;
  now: () => number;
}

export interface Imported {
  definitions: TemplateDefinition[];
  skipped: Skipped[];
}

/** The largest public list of templates has 1.1 MB. */
const FETCH_LIMITS = { maxBytes: 2 * 1024 * 1024, timeoutMs: 10_000 };
/** Texts that one list may point to, each a compose file, and how much of them is kept. */
const LINK_LIMITS = { maxBytes: COMPOSE_LIMITS.bytes, timeoutMs: 10_000 };
const MAX_LINKS = 250;
const MAX_LINKED_CHARS = 16 * 1024 * 1024;
/** How many are fetched at a time, and when no further one is begun. */
const PARALLEL_FETCHES = 8;
const FETCHING_MS = 60_000;
/** As many losses as a template keeps. */
const MAX_LOST = 200;
const MAX_LOST_CHARS = 500;

/** Throws `template_invalid`, `validation_error`, and what fetching the URL throws. */
export async function importTemplates(input: TemplateImport, deps: ImportDeps): Promise<Imported> {
  requireCategory(input.category);
  const texts = input.files ?? { [ONLY]: input.content ?? (await deps.fetchText(input.url ?? '', FETCH_LIMITS)) };
  const format = recognise(input.format, texts);
  const converter = CONVERTERS[format];
  const fetched = await fetchAll(converter.linksOf?.(texts) ?? [], deps);
  const { templates, skipped } = converter.convert(texts, { nowMs: deps.now(), fetched });
  if (input.id !== undefined && templates.length > 1)
    throw new LongshoreError('validation_error', {
      fields: { id: `is for one template, here are ${templates.length}` },
    });
  const imported: Imported = { definitions: [], skipped: skipped.map(cut) };
  for (const template of templates) {
    try {
      imported.definitions.push(finish(template, format, input));
    } catch (error) {
      if (!(error instanceof LongshoreError)) throw error;
      imported.skipped.push(cut({ name: nameOf(template), reason: error.details ?? error.message }));
    }
  }
  return imported;
}

function requireCategory(category: string | undefined): void {
  if (category === undefined || CATEGORIES.some((known) => known === category)) return;
  throw new LongshoreError('validation_error', { fields: { category: `must be one of ${CATEGORIES.join(', ')}` } });
}

function recognise(asked: AskedFormat, texts: Texts): ImportFormat {
  if (asked !== 'auto') return asked;
  const found = (Object.keys(CONVERTERS) as ImportFormat[]).find((format) => CONVERTERS[format].fits(texts));
  if (found) return found;
  throw unreadable(`It is of none of these formats: ${Object.keys(CONVERTERS).join(', ')}`);
}

function finish(
  { texts, lost }: Converted,
  format: ImportFormat,
  { id, category }: TemplateImport,
): TemplateDefinition {
  const losses = lost.slice(0, MAX_LOST).map((loss) => loss.slice(0, MAX_LOST_CHARS));
  const manifest = {
    ...texts.manifest,
    ...(id !== undefined && { id }),
    ...(category !== undefined && { category }),
    origin: { format, lost: losses },
  };
  return readTemplate({ ...texts, manifest });
}

/** What is told of a stranger's template may hold its own words. */
const cut = ({ name, reason }: Skipped): Skipped => ({
  name: name.slice(0, 100),
  reason: reason.slice(0, MAX_LOST_CHARS),
});

const nameOf = ({ texts: { manifest } }: Converted): string =>
  typeof manifest['name'] === 'string' ? manifest['name'] : 'a template without a name';

/** What could not be had is absent: the converter says which template lacks it. */
async function fetchAll(links: readonly string[], { fetchText, now }: ImportDeps): Promise<Map<string, string>> {
  const queue = [...new Set(links)].slice(0, MAX_LINKS);
  const fetched = new Map<string, string>();
  const until = now() + FETCHING_MS;
  let chars = 0;
  const work = async () => {
    for (let url = queue.shift(); url !== undefined && now() < until; url = queue.shift()) {
      try {
        const text = await fetchText(url, LINK_LIMITS);
        chars += text.length;
        if (chars > MAX_LINKED_CHARS) return;
        fetched.set(url, text);
      } catch (error) {
        if (!(error instanceof LongshoreError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FETCHES }, work));
  return fetched;
}
