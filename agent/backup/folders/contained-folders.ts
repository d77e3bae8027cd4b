// The folders of volumes as an agent that is not root works on them: by programs of the host in a container that Docker
// makes for the time of the work. It sees these volumes and nothing else of Docker's, has no network, and no rights but
// those that files need. restic stays outside: what it reads comes in as a tar.
import { createHash, randomUUID } from 'node:crypto';
import { lstat, readlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import { SYSTEM_PATH } from '../../docker/child.ts';
import { TOOL_LABEL, type ContainerSummary, type Engine } from '../../docker/engine.ts';
import type { CopyOptions } from '../repository.ts';
import { QUICK_DEADLINE_MS, REMOVE_DEADLINE_MS, SYNC_DEADLINE_MS, TAKE_DEADLINE_MS } from './limits.ts';
import { runInside, type InsideRun } from './run-inside.ts';
import { imageName, PROGRAM_FOLDERS, toolImage, type RootFolder } from './tool-image.ts';
import type { FilesOf, OpenFolders, VolumeFolders } from './volume-folders.ts';

export interface ContainedDeps {
  engine: Pick<
    Engine,
    'createSealed' | 'findImage' | 'importImage' | 'listAll' | 'removeContainer' | 'startContainer' | 'startExec'
  >;
  /** Tells the containers of this agent from those of another on the same engine. */
  dataDir: string;
  clock: Clock;
  log: Logger;
}

/**
 * To give files to their owners, into folders of anybody, with the modes they had: without FSETID the kernel takes the
 * setgid bit off whatever is of another group.
 */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID'];
const PROCESS_LABEL = 'longshore.process';
/** As often as progress is passed on. */
const TELL_EVERY_MS = 200;

export class RestoreContainers {
  readonly #deps: ContainedDeps;
  readonly #agent: string;
  /** Containers of another process are those of one that died. */
  readonly #process = randomUUID();

  constructor(deps: ContainedDeps) {
    this.#deps = deps;
    this.#agent = createHash('sha256').update(deps.dataDir).digest('hex').slice(0, 16);
  }

  readonly open: OpenFolders = (project, mountpoints) => {
    const name = `longshore-restore-${project}`;
    const labels = { [TOOL_LABEL]: this.#agent, [PROCESS_LABEL]: this.#process };
    return new ContainedFolders(this.#deps, { name, labels, volumes: mountpoints.map((path) => dirname(path)) });
  };

  /** Removes what earlier processes of this agent have left. */
  async sweep(): Promise<void> {
    const { engine } = this.#deps;
    const isLeft = ({ labels }: ContainerSummary) =>
      labels[TOOL_LABEL] === this.#agent && labels[PROCESS_LABEL] !== this.#process;
    for (const { id } of (await engine.listAll()).filter(isLeft)) await engine.removeContainer(id);
  }
}

interface Place {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Their own folders, in which Docker keeps `_data`. */
  volumes: readonly string[];
}

class ContainedFolders implements VolumeFolders {
  readonly #deps: ContainedDeps;
  readonly #place: Place;
  #id: string | undefined;
  #wasMade = false;

  constructor(deps: ContainedDeps, place: Place) {
    this.#deps = deps;
    this.#place = place;
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#run({ command: ['test', '-e', path], deadlineMs: QUICK_DEADLINE_MS, accepts: [1] })) === 0;
  }

  async makeEmpty(path: string): Promise<void> {
    await this.remove(path);
    await this.#run({ command: ['mkdir', '-m', '0700', '--', path], deadlineMs: QUICK_DEADLINE_MS });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#run({ command: ['mv', '-T', '--', from, to], deadlineMs: QUICK_DEADLINE_MS });
  }

  async remove(path: string): Promise<void> {
    await this.#run({ command: ['rm', '-rf', '--', path], deadlineMs: REMOVE_DEADLINE_MS });
  }

  async syncNames(folder: string): Promise<void> {
    await this.#run({ command: ['sync', '--', folder], deadlineMs: SYNC_DEADLINE_MS });
  }

  async syncFiles(folders: readonly string[]): Promise<void> {
    await this.#run({ command: ['sync', '-f', '--', ...folders], deadlineMs: SYNC_DEADLINE_MS });
  }

  take({ repository, snapshotId, from }: FilesOf, folder: string, options: CopyOptions): Promise<void> {
    return this.#inside(async (id) => {
      await this.#requireTar(id);
      let failure: unknown;
      const unpack = async (stdout: Readable, saw: (bytes: number) => void) => {
        const input = this.#counted(stdout, saw, options);
        await runInside(this.#deps, id, { ...unpackInto(folder), input, signal: options.signal }).catch((error) => {
          if (!stdout.readableEnded) throw error;
          failure = error; // restic knows better why its tar has no end
        });
      };
      await repository.pourBelow(snapshotId, from, unpack, options.signal);
      if (failure !== undefined) throw failure;
    });
  }

  /** What cannot be removed now is what the next one, or the next start of the agent, removes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { log } = this.#deps;
    if (!this.#wasMade) return;
    await this.#removeAny().catch((error: unknown) => {
      log.warn({ err: toLongshoreError(error), container: this.#place.name }, 'a container for a restore is left over');
    });
  }

  async *#counted(stdout: Readable, saw: (bytes: number) => void, { onProgress }: CopyOptions) {
    const { clock } = this.#deps;
    let [bytesDone, toldAt] = [0, clock.elapsed()];
    for await (const bytes of stdout as AsyncIterable<Buffer>) {
      yield bytes;
      saw((bytesDone += bytes.length));
      if (clock.elapsed() - toldAt < TELL_EVERY_MS) continue;
      toldAt = clock.elapsed();
      onProgress({ percent: 0, bytesDone, totalBytes: 0 });
    }
    onProgress({ percent: 0, bytesDone, totalBytes: 0 });
  }

  async #requireTar(id: string): Promise<void> {
    const run = { command: ['tar', '--version'] as const, deadlineMs: QUICK_DEADLINE_MS, accepts: [126, 127] };
    const { said } = await runInside(this.#deps, id, run);
    if (said.includes('GNU tar')) return;
    throw new LongshoreError('not_supported', {
      message: 'The host has no GNU tar',
      details: 'An agent that is not root restores with it: install the package `tar`, or run the agent as root.',
    });
  }

  #run(run: InsideRun): Promise<number | null> {
    return this.#inside(async (id) => (await runInside(this.#deps, id, run)).exitCode);
  }

  /** After a fault nobody knows what still runs in it: the next work begins with another one. */
  async #inside<T>(work: (id: string) => Promise<T>): Promise<T> {
    try {
      return await work((this.#id ??= await this.#make()));
    } catch (error) {
      this.#id = undefined;
      throw error;
    }
  }

  async #make(): Promise<string> {
    const { engine } = this.#deps;
    const { name, labels, volumes } = this.#place;
    await this.#removeAny();
    this.#wasMade = true;
    const folders = await readRoot();
    const image = imageName(folders);
    if (!(await engine.findImage(image))) await engine.importImage(toolImage(folders), image);
    const own = folders.filter(({ target }) => target === null).map((folder) => `/${folder.name}`);
    const id = await engine.createSealed(name, {
      image,
      labels,
      command: ['sleep', 'infinity'],
      env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
      mounts: [
        ...['/usr', ...own].map((path) => ({ path, isReadOnly: true })),
        ...volumes.map((path) => ({ path, isReadOnly: false })),
      ],
      capabilities: CAPABILITIES,
    });
    await engine.startContainer(id);
    return id;
  }

  /** Ours, or that of a process that died: what ran in it has ended when this returns. */
  async #removeAny(): Promise<void> {
    const { engine } = this.#deps;
    const left = (await engine.listAll()).find(({ name }) => name === this.#place.name);
    if (left) await engine.removeContainer(left.id);
  }
}

/** GNU tar lets nothing out of the folder: no absolute names, no `..`, and links are made when all else is there. */
const unpackInto = (folder: string): Pick<InsideRun, 'command' | 'deadlineMs'> => ({
  command: [
    'tar',
    '-x',
    '-p',
    '--same-owner',
    '--numeric-owner',
    '--xattrs',
    '--acls',
    '-f',
    '-',
    `--directory=${folder}`,
  ],
  deadlineMs: TAKE_DEADLINE_MS,
});

async function readRoot(): Promise<RootFolder[]> {
  const found = await Promise.all(
    PROGRAM_FOLDERS.map(async (name): Promise<RootFolder | undefined> => {
      const stat = await lstat(`/${name}`).catch(() => undefined);
      if (!stat) return undefined;
      return { name, target: stat.isSymbolicLink() ? await readlink(`/${name}`) : null };
    }),
  );
  return found.filter((folder) => folder !== undefined);
}
