// What the API tells of a template: no file contents, no generator settings. Its author gets the whole as its source.
import type { TemplateMore, TemplateText, TemplateVariable, WholeTemplateSource } from '../app/api/templates.ts';
import { warningsOf } from './check-definition.ts';
import { COMPOSE_FILE, type TemplateDefinition, type Variable } from './schema.ts';

export function toText(definition: TemplateDefinition): TemplateText {
  const { id, name, tagline, description, category, tags, version, appVersion, links } = definition;
  const given = Object.entries(links).filter((link): link is [string, string] => link[1] !== undefined);
  return {
    id,
    name,
    tagline,
    description,
    category,
    tags,
    version,
    appVersion,
    links: Object.fromEntries(given),
    variables: definition.variables.filter((variable) => !variable.hidden).map(toVariable),
  };
}

export const toMore = (definition: TemplateDefinition): TemplateMore => ({
  compose: definition.compose,
  files: Object.keys(definition.files),
  notes: { before: definition.notes.before ?? null, after: definition.notes.after ?? null },
  importedFrom: definition.origin?.format ?? null,
  warnings: warningsOf(definition),
});

/** The texts it can be read from again. */
export function toSource({ compose, files, ...manifest }: TemplateDefinition): WholeTemplateSource {
  const named = Object.keys(files).map((path) => ({ path, from: path }));
  return { manifest: { ...manifest, compose: COMPOSE_FILE, files: named }, compose, files };
}

const toVariable = (variable: Variable): TemplateVariable => ({
  name: variable.name,
  label: variable.label,
  help: variable.help ?? null,
  type: variable.type,
  isRequired: variable.required,
  default: variable.default ?? null,
  isSecret: variable.secret,
  isGenerated: variable.generate !== undefined,
  options: variable.options ?? null,
});
