// What a restore does to the folders of volumes, whoever has the right to do it: the agent itself where it is root
// (own-folders.ts), else a container that it makes for this (contained-folders.ts). Every path lies in a volume's folder.
import type { CopyOptions, Repository } from '../repository.ts';

export interface VolumeFolders extends AsyncDisposable {
  exists(path: string): Promise<boolean>;
  /** An empty folder that nobody else looks into, in the place of what was there. */
  makeEmpty(path: string): Promise<void>;
  /** Puts the files that a snapshot has below `from` into an empty folder, with owners, modes and times. */
  take(source: FilesOf, folder: string, options: CopyOptions): Promise<void>;
  /** `to` must not be there. */
  rename(from: string, to: string): Promise<void>;
  /** With all that is in it; what is not there stays away. */
  remove(path: string): Promise<void>;
  /** Which names the folder has is on disk. */
  syncNames(folder: string): Promise<void>;
  /** All that was written into these folders is on disk. */
  syncFiles(folders: readonly string[]): Promise<void>;
}

export interface FilesOf {
  repository: Repository;
  snapshotId: string;
  from: string;
}

/**
 * For the volumes of one project, by their mountpoints; whoever opens them disposes of them. Only one at a time may be open
 * for a project: opening ends what an agent that died has left at work there.
 */
export type OpenFolders = (project: string, mountpoints: readonly string[]) => VolumeFolders;
