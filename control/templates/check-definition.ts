// What a schema cannot say of a template: that its variables, its compose text and its ports belong together. Pure.
import { LongshoreError } from '#shared/errors.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { judgeCompose } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { checkValue } from './check-value.ts';
import { Effort } from './match-pattern.ts';
import { COMPOSE_OWN, namesUsedIn, referencesOf } from './interpolation.ts';
import type { TemplateDefinition } from './schema.ts';

export interface Problem {
  /** Where in the manifest, as in `variables.0.default`, or `compose`. */
  path: string;
  message: string;
}

/** Empty when a service can be made of it. */
export const checkDefinition = (definition: TemplateDefinition): Problem[] => [
  ...checkVariables(definition),
  ...checkNames(definition),
  ...checkCompose(definition),
];

/** Each name once; a default refers to what stands above it (so there are no circles) and is itself a good value. */
function checkVariables({ variables }: TemplateDefinition): Problem[] {
  const problems: Problem[] = [];
  const declared = new Set<string>();
  const effort = new Effort();
  for (const [index, variable] of variables.entries()) {
    const { name, generate, default: preset = '' } = variable;
    const report = (key: string, message: string) => problems.push({ path: `variables.${index}.${key}`, message });
    if (declared.has(name)) report('name', `variable ${name} is declared twice`);
    const missing = referencesOf(preset).filter((reference) => !declared.has(reference));
    if (missing.length > 0)
      report('default', `the default of ${name} refers to ${missing.join(', ')}, not declared above`);
    const isPlain = preset !== '' && referencesOf(preset).length === 0;
    const problem = isPlain ? checkValue(variable, preset, effort) : undefined;
    if (problem) report('default', `the default of ${name} ${problem}`);
    if (generate?.from !== undefined && !declared.has(generate.from))
      report('generate.from', `${name} is made from ${generate.from}, not declared above`);
    declared.add(name);
  }
  return problems;
}

/** Nothing undeclared in the compose text: Compose would fill in nothing for it. */
function checkNames({ variables, ports, compose }: TemplateDefinition): Problem[] {
  const known = new Set([...COMPOSE_OWN, ...variables.map((variable) => variable.name)]);
  const undeclared = namesUsedIn(compose).filter((name) => !known.has(name));
  return [
    ...undeclared.map((name) => ({ path: 'compose', message: `compose.yaml uses ${name}, which is not declared` })),
    ...ports.flatMap(({ var: name }, index) => {
      if (name === undefined || known.has(name)) return [];
      return [{ path: `ports.${index}.var`, message: `ports names ${name}, which is not declared` }];
    }),
  ];
}

function checkCompose({ compose, ports }: TemplateDefinition): Problem[] {
  try {
    const { services } = parseCompose(compose);
    return ports.flatMap(({ service }, index) => {
      if (Object.hasOwn(services, service)) return [];
      return [{ path: `ports.${index}.service`, message: `the compose file has no service "${service}"` }];
    });
  } catch (error) {
    if (!(error instanceof LongshoreError)) throw error;
    return [{ path: 'compose', message: error.details ?? error.message }];
  }
}

/** Variables that neither the compose text nor another variable uses. With an `env_file` the containers get them all. */
export function unusedVariables({ variables, compose }: TemplateDefinition): string[] {
  if (/\benv_file\b/.test(compose)) return [];
  const inVariables = variables.flatMap(({ default: preset = '', generate }) => [
    ...referencesOf(preset),
    ...(generate?.from === undefined ? [] : [generate.from]),
  ]);
  const used = new Set([...namesUsedIn(compose), ...inVariables]);
  return variables.map((variable) => variable.name).filter((name) => !used.has(name));
}

/** What to know before a deploy; none of it makes the template invalid. */
export function warningsOf(definition: TemplateDefinition): string[] {
  const context = { rules: DEFAULT_POLICY.tenant, form: 'written' as const, project: 'service', reservedPorts: [] };
  // Any absolute folder: relative paths that leave it are what the judges look for.
  const findings = judgeCompose(parseCompose(definition.compose), { ...context, projectDir: '/service' });
  return [
    ...(definition.origin?.lost ?? []),
    ...unusedVariables(definition).map((name) => `variable ${name} is used nowhere`),
    ...findings.map(({ path, message }) => `refused for services of a customer: ${path}: ${message}`),
  ];
}
