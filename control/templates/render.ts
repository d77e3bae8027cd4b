// From a template and what the user gave to what a host deploys. Pure: the same input gives the same output.
//
// The compose text is passed on as it is. Values go beside it, as the variables Compose interpolates after it has parsed
// the YAML: a value can become a scalar and nothing else, however it looks.
import { LongshoreError } from '#shared/errors.ts';
import { checkValue } from './check-value.ts';
import { generateValue, type RandomSource } from './generate.ts';
import { REFERENCE } from './interpolation.ts';
import { Effort } from './match-pattern.ts';
import type { TemplateDefinition, Variable } from './schema.ts';

export interface RenderedTemplate {
  compose: string;
  /** One value for each variable of the template, in its order; SERVICE_NAME as well when it was given. */
  variables: Record<string, string>;
  secretNames: string[];
  /** Read only when the app first starts: a later change would do nothing, or lock it out of its own data. */
  onceNames: string[];
  files: Record<string, string>;
}

/** The panel's clients give it to every template, whether it has a use for it or not. */
const SERVICE_NAME: Variable = {
  name: 'SERVICE_NAME',
  label: 'Service name',
  type: 'string',
  required: false,
  secret: false,
  once: false,
  hidden: true,
  advanced: false,
};

/**
 * `given` holds what the user set and, for a redeploy, what an earlier rendering made: a given value is never generated
 * anew, so passwords stay what the volumes were made with. Throws `template_variable` with a reason by variable.
 */
export function renderTemplate(
  definition: TemplateDefinition,
  given: Readonly<Record<string, string>>,
  random: RandomSource,
): RenderedTemplate {
  const values = new Map<string, string>();
  const effort = new Effort();
  const variables = variablesOf(definition, given);
  const fields = new Map(unknownNames(variables, given).map((name) => [name, 'is not a variable of this template']));
  for (const variable of variables) {
    const value = settle(variable, given, values, random);
    const problem = value === undefined ? 'is required' : checkValue(variable, value, effort);
    if (problem) fields.set(variable.name, problem);
    values.set(variable.name, value ?? '');
  }
  if (fields.size > 0) throw invalid(definition, fields);
  return {
    compose: definition.compose,
    variables: Object.fromEntries(values),
    secretNames: namesOf(definition, (variable) => variable.secret),
    onceNames: namesOf(definition, (variable) => variable.once),
    files: { ...definition.files },
  };
}

const namesOf = ({ variables }: TemplateDefinition, fits: (variable: Variable) => boolean): string[] =>
  variables.filter(fits).map(({ name }) => name);

function variablesOf({ variables }: TemplateDefinition, given: Readonly<Record<string, string>>): readonly Variable[] {
  const { name } = SERVICE_NAME;
  const isMissing = Object.hasOwn(given, name) && !variables.some((variable) => variable.name === name);
  return isMissing ? [...variables, SERVICE_NAME] : variables;
}

function unknownNames(variables: readonly Variable[], given: Readonly<Record<string, string>>): string[] {
  const known = new Set(variables.map((variable) => variable.name));
  return Object.keys(given).filter((name) => !known.has(name));
}

/** What was given, else made up, else the default, else nothing. Undefined when it is required and there is nothing. */
function settle(
  variable: Variable,
  given: Readonly<Record<string, string>>,
  settled: ReadonlyMap<string, string>,
  random: RandomSource,
): string | undefined {
  const own = Object.hasOwn(given, variable.name) ? given[variable.name] : undefined;
  // An empty field of a form means "I have nothing to say": what can be made up, is.
  if (own !== undefined && (own !== '' || !variable.generate)) return own;
  if (variable.generate) return generateValue(variable.generate, random, (name) => settled.get(name) ?? '');
  if (variable.default !== undefined) return fillReferences(variable.default, settled);
  return variable.required ? undefined : '';
}

/** One pass: what a referenced value holds is not looked at again. check-definition.ts has checked that each is declared before. */
const fillReferences = (text: string, settled: ReadonlyMap<string, string>): string =>
  text.replaceAll(REFERENCE, (_, name: string) => settled.get(name) ?? '');

const invalid = (definition: TemplateDefinition, fields: ReadonlyMap<string, string>): LongshoreError =>
  new LongshoreError('template_variable', {
    message: `Template "${definition.id}" cannot be deployed with these variables`,
    details: [...fields].map(([name, problem]) => `${name} ${problem}`).join('; '),
    fields: Object.fromEntries([...fields].map(([name, problem]) => [`variables.${name}`, problem])),
  });
