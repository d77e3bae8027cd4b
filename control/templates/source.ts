// The catalogue behind the app layer's port: views made once, rendering on demand.
import type { TemplateSource } from '../app/template-source.ts';
import type { RandomSource } from './generate.ts';
import { renderTemplate } from './render.ts';
import type { TemplateDefinition } from './schema.ts';
import { toTemplate, toTemplateDetail } from './view.ts';

export function createTemplateSource(
  definitions: ReadonlyMap<string, TemplateDefinition>,
  random: RandomSource,
): TemplateSource {
  const views = [...definitions.values()].map(toTemplate);
  const details = new Map([...definitions].map(([id, definition]) => [id, toTemplateDetail(definition)]));
  return {
    all: () => views,
    find: (id) => details.get(id),
    render(id, given) {
      const definition = definitions.get(id);
      if (!definition) return undefined;
      const rendered = renderTemplate(definition, given, random);
      return { ...rendered, version: definition.version, healthTimeoutS: definition.health?.timeoutS ?? null };
    },
  };
}
