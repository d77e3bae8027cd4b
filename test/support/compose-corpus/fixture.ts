// The compose files that Longshore is held to Compose with. A file says in its first lines what it is about and what it
// takes to run it:
//
//   # Ports in their long form.
//   # variables: {"PORT": "28014"}      what `${…}` gets
//   # ends: migrate, seed               services that end by themselves; what they print is compared, too
//   # refused: compose_invalid          Longshore's code, where neither of the two runs it
//
// `NAME/` beside `NAME.yaml` holds the files that lie in the project's folder.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../fixtures/compose', import.meta.url));

export interface ComposeCase {
  name: string;
  about: string;
  text: string;
  variables: Record<string, string>;
  files: Record<string, string>;
  ends: string[];
  refused: string | undefined;
}

export const loadCases = (): ComposeCase[] => globSync('{*,refused/*}.yaml', { cwd: FOLDER }).toSorted().map(loadCase);

function loadCase(path: string): ComposeCase {
  const text = readFileSync(join(FOLDER, path), 'utf8');
  const head = text.replace(/^\ufeff/, '').match(/^(#.*\r?\n)+/)?.[0] ?? '';
  const line = (key: string) => new RegExp(`^# ${key}: (.*?)\r?$`, 'm').exec(head)?.[1];
  return {
    name: path.replace(/\.yaml$/, ''),
    about: /^# (.*?)\r?\n/.exec(head)?.[1] ?? '',
    text,
    variables: JSON.parse(line('variables') ?? '{}') as Record<string, string>,
    files: loadFiles(join(FOLDER, path.replace(/\.yaml$/, ''))),
    ends: (line('ends') ?? '').split(', ').filter(Boolean),
    refused: line('refused'),
  };
}

function loadFiles(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const entries = globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}
