// The commits of a service that comes from Git, as they lie in its folder. Each has a folder of its own: containers of
// the commit before go on seeing their files until they are replaced, and a rollback finds the ones it needs.
//
//   repo/<commit>/   the files as they were fetched, `-submodules` and `-lfs` with theirs; goes some time after the last revision that was made from it
//   data/            what containers bind by a relative path and no commit brings along: it outlives them all
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { isInside } from '#shared/compose/paths.ts';
import { isMap, listOf, unescaped } from '#shared/compose/values.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { GitSource } from '#shared/model.ts';
import { loadReview } from '../ai/review.ts';
import type { Rendered, RenderedService } from '../rendered.ts';
import { commitsOf } from '../revisions/revisions.ts';
import { ignore, readIfThere, type Workspace } from '../workspace.ts';

export interface Checkout {
  commit: string;
  /** All of the commit. */
  directory: string;
  /** Where what is deployed lies in it: the same, or a folder below. */
  folder: string;
}

/** The same commit with and without what belongs to it elsewhere is not the same files. */
export const checkoutName = (commit: string, { submodules, lfs }: Pick<GitSource, 'submodules' | 'lfs'>): string =>
  `${commit}${submodules ? '-submodules' : ''}${lfs ? '-lfs' : ''}`;

export const commitIn = (name: string): string => name.replace(/-.*$/, '');

/** Containers and builds read the files as other users: their modes are git's, whatever the agent's umask made of them. */
const RUNNABLE_MODE = 0o755;
const PLAIN_MODE = 0o644;

/** Gives the files in `aside` their place, whole or not at all. Containers may use a commit that is there: it stays. */
export async function settle(aside: string, directory: string): Promise<void> {
  if (existsSync(directory)) return;
  await setModes(aside);
  await rename(aside, directory);
}

/** A container may have made a link of any folder since: none is followed. Fails with `validation_error`. */
export async function folderIn(directory: string, path: string | undefined): Promise<string> {
  let folder = directory;
  for (const name of path?.split('/') ?? []) {
    folder = join(folder, name);
    if ((await lstat(folder).catch(ignore('ENOENT', 'ENOTDIR')))?.isDirectory()) continue;
    const fields = { git_path: `"${path}" is no folder of the commit` };
    throw new LongshoreError('validation_error', { message: 'The repository has no such folder', fields });
  }
  return folder;
}

async function setModes(folder: string): Promise<void> {
  await chmod(folder, RUNNABLE_MODE);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await setModes(path);
    else await chmod(path, (await stat(path)).mode & 0o100 ? RUNNABLE_MODE : PLAIN_MODE);
  }
}

/** Drops the commits that neither a kept revision nor a container was made from, and that wait for no review. */
export async function pruneCheckouts(workspace: Workspace): Promise<void> {
  const names = (await readdir(workspace.checkouts).catch(ignore('ENOENT'))) ?? [];
  const commits = [...(await commitsOf(workspace)), (await loadReview(workspace))?.commit];
  const applied = (await readIfThere(workspace.renderedFile)) ?? '';
  const old = names.filter((name) => !commits.includes(commitIn(name)) && !applied.includes(name));
  await Promise.all(old.map((name) => rm(join(workspace.checkouts, name), { recursive: true, force: true })));
}

/** Git knows no empty folder: one that holds nothing else is there to be written into. */
const PLACEHOLDERS = new Set(['.gitkeep', '.keep', '.gitignore']);

function isBrought(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat !== undefined;
  const names = readdirSync(path);
  return names.length > 0 && !names.every((name) => PLACEHOLDERS.has(name));
}

/** Moves binds of what the commit does not have to the folder for data, where the next commit finds them again. */
export function keepData(rendered: Rendered, { directory }: Pick<Checkout, 'directory'>, data: string): Rendered {
  const move = (volume: unknown): unknown => {
    if (!isMap(volume) || volume['type'] !== 'bind' || typeof volume['source'] !== 'string') return volume;
    const { source } = volume;
    if (!isInside(directory, source, directory) || isBrought(unescaped(source))) return volume;
    return { ...volume, source: resolve(data, relative(directory, source)) };
  };
  const services = Object.entries(rendered.services).map(([name, service]): [string, RenderedService] => {
    return [name, service['volumes'] ? { ...service, volumes: listOf(service['volumes']).map(move) } : service];
  });
  return { ...rendered, services: Object.fromEntries(services) };
}
