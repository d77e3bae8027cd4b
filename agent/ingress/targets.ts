// Where each name leads, in files that Caddy reads with each request: one for each slot of a name, each written whole or
// not at all. They outlive the agent, and so do the ways they tell.
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeShared } from './shared-files.ts';
import { SLOTS, targetFile } from './slots.ts';

export class Targets {
  readonly #dir: string;
  /** Where a name leads that no container answers to. */
  readonly #nobody: string;
  /** File → what it holds. */
  readonly #written = new Map<string, string>();

  constructor(dir: string, nobody: string) {
    this.#dir = dir;
    this.#nobody = nobody;
  }

  /** Call it before Caddy is told of new names. */
  async write(hostnames: readonly string[], dials: ReadonlyMap<string, readonly string[]>): Promise<void> {
    await makeFolder(this.#dir);
    for (const hostname of hostnames) {
      const found = dials.get(hostname) ?? [];
      const ways = found.length === 0 ? [this.#nobody] : found;
      await Promise.all(SLOTS.map((slot) => this.#put(targetFile(hostname, slot), ways[slot % ways.length] ?? '')));
    }
  }

  /** Call it after Caddy has forgotten the names that are no more. */
  async sweep(hostnames: readonly string[]): Promise<void> {
    const kept = new Set(hostnames.flatMap((hostname) => SLOTS.map((slot) => targetFile(hostname, slot))));
    const old = (await readdir(this.#dir)).filter((file) => !kept.has(file));
    for (const file of old) this.#written.delete(file);
    await Promise.all(old.map((file) => rm(join(this.#dir, file), { force: true })));
  }

  async #put(file: string, way: string): Promise<void> {
    if (this.#written.get(file) === way) return;
    const path = join(this.#dir, file);
    await writeShared(`${path}~`, way);
    await rename(`${path}~`, path);
    this.#written.set(file, way);
  }
}
