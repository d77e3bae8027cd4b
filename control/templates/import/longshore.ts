// Our own format: a folder's files, or one YAML that holds the compose text as well.
import { LongshoreError } from '#shared/errors.ts';
import { parseYamlMap } from '#shared/compose/parse.ts';
import { COMPOSE_FILE } from '../schema.ts';
import { ONLY, type Converter, type Texts, unreadable } from './conversion.ts';

export const MANIFEST_FILE = 'template.yaml';

export const longshore: Converter = {
  fits: (texts) => MANIFEST_FILE in texts || /^schema:\s*1\s*$/m.test(texts[ONLY] ?? ''),
  convert(texts) {
    const { [MANIFEST_FILE]: manifest = texts[ONLY], [COMPOSE_FILE]: compose, [ONLY]: _, ...files } = texts;
    if (manifest === undefined) throw unreadable(`There is no ${MANIFEST_FILE}`);
    return { templates: [{ texts: { manifest: readYaml(manifest), compose, files }, lost: [] }], skipped: [] };
  },
};

/** YAML of an import, within the limits of compose files. Throws `template_invalid`. */
export function readYaml(text: string): Record<string, unknown> {
  try {
    return parseYamlMap(text, { keepsDigits: true });
  } catch (error) {
    if (!(error instanceof LongshoreError)) throw error;
    throw unreadable(error.details ?? error.message, error);
  }
}

/** The text of the first of these names, else the only text. */
export const pickText = (texts: Texts, ...names: string[]): string | undefined =>
  texts[names.find((name) => name in texts) ?? ONLY];
