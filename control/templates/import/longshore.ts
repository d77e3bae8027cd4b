// Our own format: a folder's files, or one YAML that holds the compose text as well.
import { COMPOSE_FILE } from '../schema.ts';
import { ONLY, type Converter, unreadable } from './conversion.ts';
import { readYaml } from './read-text.ts';

export const MANIFEST_FILE = 'template.yaml';

export const longshore: Converter = {
  fits: (texts) => MANIFEST_FILE in texts || /^schema:\s*1\s*$/m.test(texts[ONLY] ?? ''),
  convert(texts) {
    const { [MANIFEST_FILE]: manifest = texts[ONLY], [COMPOSE_FILE]: compose, [ONLY]: _, ...files } = texts;
    if (manifest === undefined) throw unreadable(`There is no ${MANIFEST_FILE}`);
    return { templates: [{ texts: { manifest: readYaml(manifest), compose, files }, lost: [] }], skipped: [] };
  },
};
