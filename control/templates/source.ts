// Templates behind the app layer's port, which keeps them as texts: reading, showing, rendering and importing them.
import type { DraftTemplate, TemplateSource } from '../app/templates/template-source.ts';
import type { RandomSource } from './generate.ts';
import { importTemplates } from './import/import.ts';
import { readTemplate } from './read.ts';
import { renderTemplate } from './render.ts';
import type { TemplateDefinition } from './schema.ts';
import { toMore, toSource, toText } from './view.ts';

export function createTemplateSource(
  definitions: ReadonlyMap<string, TemplateDefinition>,
  random: RandomSource,
): TemplateSource {
  return {
    catalogue: [...definitions.values()].map(toDraft),
    read: (texts, version) => toDraft({ ...readTemplate(texts), ...(version !== undefined && { version }) }),
    async convert(input, fetchText) {
      const { definitions: found, skipped } = await importTemplates(input, { fetchText, now: () => random.now() });
      return { drafts: found.map(toDraft), skipped };
    },
    toText: (document) => toText(open(document)),
    toMore: (document) => toMore(open(document)),
    toSource: (document) => toSource(open(document)),
    render(document, given) {
      const definition = open(document);
      const rendered = renderTemplate(definition, given, random);
      const { version, health } = definition;
      return { ...rendered, version, healthTimeoutS: health?.timeoutS ?? null, document };
    },
  };
}

const toDraft = (definition: TemplateDefinition): DraftTemplate => ({
  id: definition.id,
  name: definition.name,
  tagline: definition.tagline,
  category: definition.category,
  version: definition.version,
  isImported: definition.origin !== undefined,
  document: JSON.stringify(definition),
});

/** What `toDraft` wrote, also years ago: the schema only ever gains optional keys. */
const open = (document: string): TemplateDefinition => JSON.parse(document) as TemplateDefinition;
