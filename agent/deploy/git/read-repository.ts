// Reads a checkout. Git made it, but it is still a stranger's: only plain files, never more than the limits.
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { COMPOSE_LIMITS } from '#shared/compose/parse.ts';
import { LongshoreError } from '#shared/errors.ts';
import { isManifest } from '../recipes/manifests.ts';
import type { Repository } from '../recipes/recipe.ts';
import { ignore } from '../workspace.ts';

/** Recipes look at the upper folders; beyond this many files none of them would tell more. */
const LISTED = { files: 20_000, depth: 5 } as const;
/** Of each manifest, its beginning; only lock files are longer, and what matters of them comes first. */
const MANIFEST_BYTES = 256 * 1024;
/** Of all of them together. */
const MANIFESTS_BYTES = 8 * 1024 * 1024;
/** Made by tools, large, and no source. */
const SKIPPED = new Set(['.git', 'node_modules', 'target', '__pycache__']);

/** Undefined when it is not there, and for anything but a plain file. Fails with `yaml_resource_limit`. */
export async function readPlain(directory: string, name: string): Promise<string | undefined> {
  const stat = await lstat(join(directory, name)).catch(ignore('ENOENT'));
  if (!stat?.isFile()) return undefined;
  if (stat.size > COMPOSE_LIMITS.bytes)
    throw new LongshoreError('yaml_resource_limit', {
      details: `${name} is larger than ${COMPOSE_LIMITS.bytes} bytes`,
    });
  return (await readBeginning(join(directory, name), MANIFEST_BYTES)).toString('utf8');
}

/** What the recipes decide by. */
export async function readRepository(directory: string): Promise<Repository> {
  const files = await listFiles(directory);
  const texts = new Map<string, string>();
  let left = MANIFESTS_BYTES;
  for (const path of files.filter(isManifest)) {
    if (left <= 0) break;
    const text = (await readBeginning(join(directory, path), MANIFEST_BYTES)).toString('utf8');
    left -= text.length;
    texts.set(path, text);
  }
  return { files: new Set(files), texts };
}

/** Level by level, so that a limit cuts off what lies deepest. */
export async function listFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  let folders = [''];
  for (let depth = 0; depth < LISTED.depth && files.length < LISTED.files; depth++) {
    const next: string[] = [];
    for (const folder of folders) {
      const entries = await readdir(join(directory, folder), { withFileTypes: true });
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = `${folder}${entry.name}`;
        if (entry.isFile()) files.push(path);
        else if (entry.isDirectory() && !SKIPPED.has(entry.name)) next.push(`${path}/`);
      }
    }
    folders = next;
  }
  return files.slice(0, LISTED.files);
}

/** At most so many bytes of it. */
export async function readBeginning(path: string, limitBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limitBytes), 0, limitBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
