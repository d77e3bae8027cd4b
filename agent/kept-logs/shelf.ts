// The folder of kept logs. It grows no further than its limits, and what belongs to a service goes with it.
import { mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { beyondLimits, nameOf, parseName, type KeptFile, type KeptLimits, type KeptLog } from './kept-log.ts';

/** Compressed, a service's part holds tens of megabytes of lines, and the host's no more than its disk can spare. */
export const KEPT_LIMITS: KeptLimits = { service: 32 * 1024 * 1024, host: 256 * 1024 * 1024 };
/** With less on its disk the host needs the room itself: twice of what a deploy asks for. */
const MIN_FREE_BYTES = 512 * 1024 * 1024;
/** Logs shrink tenfold at the least effort. */
const LEVEL = 1;

export class Shelf {
  readonly #directory: string;
  readonly #limits: KeptLimits;

  readonly #freeBytes: (directory: string) => Promise<number>;

  constructor(dataDir: string, limits = KEPT_LIMITS, freeBytes = freeBytesAt) {
    this.#directory = join(dataDir, 'logs');
    this.#limits = limits;
    this.#freeBytes = freeBytes;
  }

  /** Newest first; none for a service of which nothing is kept. */
  async list(serviceId: string): Promise<KeptLog[]> {
    const directory = join(this.#directory, serviceId);
    const names = await readdir(directory).catch(() => []);
    return names
      .flatMap((name) => {
        const parsed = parseName(name);
        return parsed ? [{ ...parsed, path: join(directory, name) }] : [];
      })
      .toSorted((a, b) => b.keptAt - a.keptAt);
  }

  /** `records`: whole ones of a json-file log. On a disk that is nearly full nothing is kept. */
  async put(serviceId: string, log: Omit<KeptLog, 'path'>, records: Buffer): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (await this.#hasRoom()) await this.#write(serviceId, log, records);
    await this.trim();
  }

  async #write(serviceId: string, log: Omit<KeptLog, 'path'>, records: Buffer): Promise<void> {
    const directory = join(this.#directory, serviceId);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, nameOf(log));
    const draft = `${path}.part`;
    try {
      await writeFile(draft, await promisify(gzip)(records, { level: LEVEL }), { mode: 0o600 });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true }); // of a full disk it may be the last part
      throw error;
    }
  }

  /** All that is kept of a service. */
  async drop(serviceId: string): Promise<void> {
    await rm(join(this.#directory, serviceId), { recursive: true, force: true });
  }

  /** Removes what was never finished. */
  async clearUp(): Promise<void> {
    for (const serviceId of await readdir(this.#directory).catch(() => [])) await this.#dropUnfinished(serviceId);
  }

  async #dropUnfinished(serviceId: string): Promise<void> {
    const directory = join(this.#directory, serviceId);
    const names = await readdir(directory).catch(() => []);
    await Promise.all(
      names.filter((name) => name.endsWith('.part')).map((name) => rm(join(directory, name), { force: true })),
    );
  }

  /** Lets go of what is beyond the limits; of everything where the disk is nearly full. */
  async trim(): Promise<void> {
    const files = await this.#files();
    if (files.length === 0) return;
    const host = (await this.#hasRoom()) ? this.#limits.host : 0;
    for (const { path } of beyondLimits(files, { ...this.#limits, host })) await rm(path, { force: true });
  }

  async #hasRoom(): Promise<boolean> {
    return (await this.#freeBytes(this.#directory)) >= MIN_FREE_BYTES;
  }

  async #files(): Promise<KeptFile[]> {
    const ids = await readdir(this.#directory).catch(() => []);
    const logs = await Promise.all(ids.map(async (serviceId) => ({ serviceId, kept: await this.list(serviceId) })));
    const files = logs.flatMap(({ serviceId, kept }) => kept.map(({ path, keptAt }) => ({ serviceId, path, keptAt })));
    return Promise.all(files.map(async (file) => ({ ...file, bytes: await sizeOf(file.path) })));
  }
}

/** One that somebody took away meanwhile has none. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const freeBytesAt = async (directory: string): Promise<number> => {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
};
