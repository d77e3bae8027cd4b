// The catalogue as the app layer uses it.
import type { TemplateSource } from '../app/template-source.ts';
import type { RandomSource } from './generate.ts';
import { renderTemplate } from './render.ts';
import type { TemplateDefinition } from './schema.ts';
import { toTemplate, toTemplateDetail } from './view.ts';

export function createTemplateSource(
  definitions: ReadonlyMap<string, TemplateDefinition>,
  random: RandomSource,
): TemplateSource {
  const templates = [...definitions.values()].map(toTemplate);
  return {
    all: () => templates,
    find(id) {
      const definition = definitions.get(id);
      return definition && toTemplateDetail(definition);
    },
    render(id, given) {
      const definition = definitions.get(id);
      if (!definition) return undefined;
      const { version, health } = definition;
      return { ...renderTemplate(definition, given, random), version, healthTimeoutS: health?.timeoutS ?? null };
    },
  };
}
