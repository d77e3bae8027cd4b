// The licenses of what is bundled: most ask that their text goes wherever the code goes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENSE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;
const RULE = `\n${'-'.repeat(80)}\n\n`;

/** `inputs`: what a bundle read, relative to `root`. The packages among them, each with its texts, in order of names. */
export function collectLicenses(root: string, inputs: readonly string[]): string {
  const folders = [...new Set(inputs.map(packageFolderOf))].filter((folder) => folder !== undefined);
  return folders
    .map((folder) => describePackage(join(root, folder)))
    .toSorted()
    .join(RULE);
}

/** The innermost package that a file is of; undefined for a file of our own. */
export const packageFolderOf = (path: string): string | undefined =>
  /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];

function describePackage(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
  const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n') + '\n';
}
