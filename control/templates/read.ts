// A template from what a user sent: the manifest as text or as plain data, with the texts it names. Pure: whatever is
// wrong with it is one `template_invalid` that names each field.
import type { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { parseYamlMap } from '#shared/compose/parse.ts';
import { checkDefinition, type Problem } from './check-definition.ts';
import { COMPOSE_FILE, manifestSchema, type Manifest, type TemplateDefinition } from './schema.ts';

/** The largest of other systems' templates has about 150 kB. A list of them reads a hundred. */
const MAX_TEMPLATE_BYTES = 256 * 1024;

export interface TemplateTexts {
  /** `template.yaml`: its text, or what it says. */
  manifest: string | Record<string, unknown>;
  /** The compose file; absent when the manifest holds it. */
  compose?: string | undefined;
  /** What the manifest's `files` name in `from`. */
  files?: Readonly<Record<string, string>> | undefined;
}

/** Throws `template_invalid` with fields such as `manifest.variables.0.name`, `compose`, `files.conf/a.ini`. */
export function readTemplate(texts: TemplateTexts): TemplateDefinition {
  const parsed = manifestSchema.safeParse(readManifest(texts.manifest));
  if (!parsed.success) throw invalid(problemsOf(parsed.error).map(inManifest));
  const { definition, problems: missing } = joinTexts(parsed.data, texts);
  const problems = [...checkSize(definition), ...checkDefinition(definition).map(inManifest), ...missing];
  if (problems.length > 0) throw invalid(problems);
  return definition;
}

export const problemsOf = (error: z.ZodError): Problem[] =>
  error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));

function readManifest(manifest: TemplateTexts['manifest']): unknown {
  if (typeof manifest !== 'string') return manifest;
  try {
    return parseYamlMap(manifest);
  } catch (error) {
    if (!(error instanceof LongshoreError)) throw error;
    throw invalid([{ path: 'manifest', message: error.details ?? error.message }]);
  }
}

function checkSize(definition: TemplateDefinition): Problem[] {
  if (Buffer.byteLength(JSON.stringify(definition)) <= MAX_TEMPLATE_BYTES) return [];
  return [{ path: 'manifest', message: `is larger than ${MAX_TEMPLATE_BYTES / 1024} KiB with its texts` }];
}

/** Manifest and texts as one; problems are what one names and the other lacks. */
function joinTexts(manifest: Manifest, { compose, files = {} }: TemplateTexts) {
  const problems: Problem[] = [];
  const isInline = manifest.compose !== COMPOSE_FILE;
  if (isInline && compose !== undefined) problems.push({ path: 'compose', message: 'the manifest holds it already' });
  if (!isInline && compose === undefined) problems.push({ path: 'compose', message: 'is missing' });
  const named = manifest.files.flatMap(({ from }) => from ?? []);
  for (const name of named) {
    if (!Object.hasOwn(files, name))
      problems.push({ path: `files.${name}`, message: 'the manifest names it, but it is missing' });
  }
  for (const name of Object.keys(files)) {
    if (!named.includes(name)) problems.push({ path: `files.${name}`, message: 'the manifest does not name it' });
  }
  const texts = manifest.files.map(({ path, from, content }) => [path, content ?? files[from ?? ''] ?? '']);
  const definition: TemplateDefinition = {
    ...manifest,
    compose: isInline ? manifest.compose : (compose ?? ''),
    files: Object.fromEntries(texts) as Record<string, string>,
  };
  return { definition, problems };
}

/** Where a problem of the definition stands in what was sent. */
const inManifest = ({ path, message }: Problem): Problem => {
  if (path === 'compose') return { path, message };
  return { path: path === '' ? 'manifest' : `manifest.${path}`, message };
};

function invalid(problems: readonly Problem[]): LongshoreError {
  return new LongshoreError('template_invalid', {
    details: problems
      .map(({ path, message }) => `${path}: ${message}`)
      .join('; ')
      .slice(0, MAX_DETAILS_CHARS),
    fields: Object.fromEntries(problems.map(({ path, message }) => [path, message])),
  });
}

/** One string for people; `fields` has them all. */
const MAX_DETAILS_CHARS = 2000;
