// What other systems' templates look like, by format: each folder of test/fixtures/imports is one import, with what came
// of it in `expected.yaml` (written by expect-imports.ts).
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemplateImport } from '../../control/app/api/templates.ts';
import { LongshoreError } from '#shared/errors.ts';
import { importTemplates, type Imported } from '../../control/templates/import/import.ts';
import type { ImportFormat, TemplateDefinition } from '../../control/templates/schema.ts';

const DIR = fileURLToPath(new URL('../fixtures/imports', import.meta.url));
/** Not part of the import: what is behind URLs, and what is expected. */
const BESIDE = ['fetched.json', 'expected.yaml'];

export interface ImportCase {
  format: ImportFormat;
  name: string;
  expectedFile: string;
  input: TemplateImport;
  /** By URL. */
  fetched: Record<string, string>;
}

export function importCases(): ImportCase[] {
  return readdirSync(DIR).flatMap((format) =>
    readdirSync(join(DIR, format)).map((name) => readCase(format as ImportFormat, name)),
  );
}

function readCase(format: ImportFormat, name: string): ImportCase {
  const folder = join(DIR, format, name);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
  const own = paths.filter((path) => !BESIDE.includes(path));
  const files = Object.fromEntries(own.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  const { content } = files;
  const source = content === undefined ? { files } : { content };
  const links = join(folder, 'fetched.json');
  return {
    format,
    name: `${format}/${name}`,
    expectedFile: join(folder, 'expected.yaml'),
    input: { format: 'auto', ...source, isDryRun: false },
    fetched: existsSync(links) ? (JSON.parse(readFileSync(links, 'utf8')) as Record<string, string>) : {},
  };
}

export const runImport = ({ input, fetched }: ImportCase): Promise<Imported> =>
  importTemplates(input, {
    now: () => Date.UTC(2026, 0, 2),
    fetchText: async (url) => {
      const text = fetched[url];
      if (text === undefined) throw new LongshoreError('egress_failed');
      return text;
    },
  });

/** A value for each variable that has to be given one. */
export function missingValues({ variables }: TemplateDefinition): Record<string, string> {
  const missing = variables.filter((it) => it.required && it.default === undefined && !it.generate);
  const sample: Partial<Record<string, string>> = { email: 'a@example.com', port: '8088', number: '1' };
  return Object.fromEntries(missing.map(({ name, type }) => [name, sample[type] ?? 'sampletext']));
}
