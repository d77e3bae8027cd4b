// A folder beside the services' own, to try things in: like the service's folder, whose other files are linked in. What
// Compose makes of it is said as if it had been found in the folder itself.
//
//   <dataDir>/plans/<random>/services/<name>/
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { reapOrphans } from '../../docker/orphan.ts';
import { parseRendered, type Rendered } from '../rendered.ts';
import { ignore, OWN_NAMES, type Sources, type Workspace } from '../workspace.ts';

const folderOf = (dataDir: string): string => join(dataDir, 'plans');

/** What an agent that was killed has left there, processes too. */
export async function clearScratch(dataDir: string): Promise<void> {
  if (!existsSync(folderOf(dataDir))) return;
  await reapOrphans(folderOf(dataDir));
  await rm(folderOf(dataDir), { recursive: true, force: true });
}

/** `work` gets a data folder of its own; it is gone afterwards, whatever happens. */
export async function withScratch<T>(dataDir: string, work: (scratchDir: string) => Promise<T>): Promise<T> {
  const scratchDir = join(folderOf(dataDir), randomBytes(6).toString('hex'));
  try {
    return await work(scratchDir);
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** Fills `scratch` with these sources and with what else `real` has: files put there by hand, or by containers. */
export async function imitate(
  real: Workspace,
  scratch: Workspace,
  sources: Sources,
  obsolete: readonly string[],
): Promise<void> {
  await scratch.write(sources);
  const gone = obsolete.filter((path) => !Object.hasOwn(sources.files, path));
  await linkRest(real.directory, scratch.directory, new Set([...OWN_NAMES, '.env', ...gone]));
}

/** Whom the service has met by ssh is known here, too; whom only a plan meets is forgotten with it. */
export async function lendKnownHosts(real: Workspace, scratch: Workspace): Promise<void> {
  await mkdir(scratch.directory, { recursive: true, mode: 0o700 });
  await copyFile(real.knownHosts, scratch.knownHosts).catch(ignore('ENOENT'));
}

async function linkRest(from: string, to: string, skip: ReadonlySet<string>, below = ''): Promise<void> {
  const entries = (await readdir(join(from, below), { withFileTypes: true }).catch(ignore('ENOENT'))) ?? [];
  for (const entry of entries) {
    const path = join(below, entry.name);
    if (skip.has(path)) continue;
    const there = await lstat(join(to, path)).catch(ignore('ENOENT'));
    if (!there) await symlink(join(from, path), join(to, path));
    else if (there.isDirectory() && entry.isDirectory()) await linkRest(from, to, skip, path);
  }
}

/** The scratch folder's path has a random part: nothing else begins like it. */
export const relocate = (rendered: Rendered, scratch: Workspace, real: Workspace): Rendered =>
  parseRendered(JSON.stringify(rendered).replaceAll(scratch.directory, real.directory));
