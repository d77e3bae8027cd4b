// What the API tells of a template: no file contents, no generator settings.
import type { Template, TemplateDetail, TemplateVariable } from '../app/api/templates.ts';
import type { TemplateDefinition, Variable } from './schema.ts';

export function toTemplate(definition: TemplateDefinition): Template {
  const { id, name, tagline, description, category, version, appVersion, links } = definition;
  const given = Object.entries(links).filter((link): link is [string, string] => link[1] !== undefined);
  return {
    id,
    name,
    tagline,
    description,
    category,
    version,
    appVersion,
    links: Object.fromEntries(given),
    variables: definition.variables.filter((variable) => !variable.hidden).map(toVariable),
  };
}

export const toTemplateDetail = (definition: TemplateDefinition): TemplateDetail => ({
  ...toTemplate(definition),
  compose: definition.compose,
});

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
