// Reads the catalogue from disk, once, at start. A template that is not right stops the start: it is part of the
// product, and the error names the file, the key and the reason.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { LongshoreError } from '#shared/errors.ts';
import { checkDefinition, unusedVariables, type Problem } from './check-definition.ts';
import { problemsOf } from './read.ts';
import { COMPOSE_FILE, manifestSchema, type TemplateDefinition } from './schema.ts';

/** The templates that come with Longshore. */
export const CATALOGUE_DIR = fileURLToPath(new URL('./catalogue', import.meta.url));

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
  if (!parsed.success) return fail('template.yaml', describe(problemsOf(parsed.error)), parsed.error);

  const { compose, files, ...manifest } = parsed.data;
  const texts = files.map(({ path, from, content }) => [path, content ?? read(from ?? path)]);
  const definition: TemplateDefinition = {
    ...manifest,
    compose: compose === COMPOSE_FILE ? read(compose) : compose,
    files: Object.fromEntries(texts) as Record<string, string>,
  };
  const problems = checkDefinition(definition);
  if (manifest.id !== id) problems.push({ path: 'id', message: `id is "${manifest.id}", the folder is "${id}"` });
  const unused = unusedVariables(definition);
  problems.push(...unused.map((name) => ({ path: 'variables', message: `variable ${name} is used nowhere` })));
  if (problems.length > 0) fail('template.yaml', describe(problems));
  return definition;
}

function parseYaml(text: string, fail: (problem: string) => never): unknown {
  try {
    return parse(text, { uniqueKeys: true, maxAliasCount: 100 });
  } catch (error) {
    return fail((error as Error).message);
  }
}

const describe = (problems: readonly Problem[]): string =>
  problems.map(({ path, message }) => `${path || 'the document'}: ${message}`).join('; ');
