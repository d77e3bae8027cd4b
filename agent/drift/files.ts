// The files of a service's folder beside those of its revision. Containers may write there, and put a link or a pipe in
// the place of a file: nothing is followed, and nothing is read that is not as long as it should be.
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Sources, Workspace } from '../deploy/workspace.ts';

export interface DriftedFile {
  path: string;
  change: 'missing' | 'changed';
}

/** Without it a pipe would be waited for. */
const LOOK_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Only the files of the revision: what else lies in the folder, its containers may have written. */
export async function findDriftedFiles(
  workspace: Workspace,
  { compose, env, override, files }: Sources,
): Promise<DriftedFile[]> {
  const texts = { 'compose.yaml': compose, '.env': env, 'override.yaml': override, ...files };
  const found = await Promise.all(
    Object.entries(texts).map(async ([path, text]): Promise<DriftedFile[]> => {
      const change = await changeOf(workspace.path(path), text);
      return change ? [{ path, change }] : [];
    }),
  );
  return found.flat();
}

async function changeOf(path: string, text: string): Promise<DriftedFile['change'] | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, LOOK_ONLY);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'changed';
  }
  try {
    const found = await file.stat();
    const isAlike = found.isFile() && found.size === Buffer.byteLength(text);
    return isAlike && (await file.readFile('utf8')) === text ? undefined : 'changed';
  } finally {
    await file.close();
  }
}
