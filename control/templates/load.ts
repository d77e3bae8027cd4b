// Reads the catalogue from disk, once, at start. A template that is not right stops the start: it is part of the
// product, and the error names the file, the key and the reason.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { checkValue } from './check-value.ts';
import { referencesOf } from './render.ts';
import { manifestSchema, type Manifest, type TemplateDefinition } from './schema.ts';

/** The templates that come with Longshore. */
export const CATALOGUE_DIR = fileURLToPath(new URL('./catalogue', import.meta.url));

/** `$$` is a literal dollar; else `$NAME` or `${NAME…}`, as Compose interpolates. */
const INTERPOLATION = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*))/g;

/** All templates of a folder by id, in order of their ids. Throws `config_invalid`. */
export function loadTemplates(dir: string = CATALOGUE_DIR): Map<string, TemplateDefinition> {
  const folders = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const ids = folders.map((folder) => folder.name).toSorted();
  return new Map(ids.map((id) => [id, loadTemplate(join(dir, id), id)]));
}

function loadTemplate(folder: string, id: string): TemplateDefinition {
  const fail = (file: string, problem: string, cause?: unknown): never => {
    const details = `${join(folder, file)}: ${problem}`;
    throw new LongshoreError('config_invalid', { message: `Cannot load template "${id}"`, details, cause });
  };
  const read = (file: string): string => {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch (error) {
      return fail(file, (error as Error).message, error);
    }
  };
  const parsed = manifestSchema.safeParse(
    parseYaml(read('template.yaml'), (problem) => fail('template.yaml', problem)),
  );
  if (!parsed.success) return fail('template.yaml', describeIssues(parsed.error), parsed.error);

  const manifest = parsed.data;
  const compose = read(manifest.compose);
  const problems = manifest.id === id ? [] : [`id is "${manifest.id}", the folder is "${id}"`];
  problems.push(...checkVariables(manifest), ...checkInterpolations(manifest, compose));
  if (problems.length > 0) fail('template.yaml', problems.join('; '));
  return {
    ...manifest,
    compose,
    files: Object.fromEntries(manifest.files.map(({ path, from }) => [path, read(from)])),
  };
}

function parseYaml(text: string, fail: (problem: string) => never): unknown {
  try {
    return parse(text, { uniqueKeys: true, maxAliasCount: 100 });
  } catch (error) {
    return fail((error as Error).message);
  }
}

const describeIssues = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`).join('; ');

/** Each name once; a default refers to what stands above it (so there are no circles) and is itself a good value. */
function checkVariables({ variables }: Manifest): string[] {
  const problems: string[] = [];
  const declared = new Set<string>();
  for (const variable of variables) {
    const { name, default: preset = '' } = variable;
    if (declared.has(name)) problems.push(`variable ${name} is declared twice`);
    const missing = referencesOf(preset).filter((reference) => !declared.has(reference));
    if (missing.length > 0) problems.push(`the default of ${name} refers to ${missing.join(', ')}, not declared above`);
    const isPlain = preset !== '' && referencesOf(preset).length === 0;
    const problem = isPlain ? checkValue(variable, preset) : undefined;
    if (problem) problems.push(`the default of ${name} ${problem}`);
    declared.add(name);
  }
  return problems;
}

/** The compose text and the variables belong together: nothing undeclared, nothing that does nothing. */
function checkInterpolations({ variables, ports }: Manifest, compose: string): string[] {
  const used = new Set([...compose.matchAll(INTERPOLATION)].map((match) => match[1] ?? match[2]));
  const inDefaults = new Set(variables.flatMap((variable) => referencesOf(variable.default ?? '')));
  const declared = new Set(variables.map((variable) => variable.name));
  const undeclared = [...used].filter((name) => name !== undefined && !declared.has(name));
  const unused = [...declared].filter((name) => !used.has(name) && !inDefaults.has(name));
  const lost = ports.filter((port) => port.var !== undefined && !declared.has(port.var));
  return [
    ...undeclared.map((name) => `compose.yaml uses ${name}, which is not declared`),
    ...unused.map((name) => `variable ${name} is used nowhere`),
    ...lost.map((port) => `ports names ${port.var}, which is not declared`),
  ];
}
