// The counters of one container, read from the kernel's own files. They stay open: opening them anew for each round
// costs four times as much as reading them does.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerUsage } from '../docker/engine.ts';
import { placeOf, type CgroupPlace } from './cgroup-place.ts';
import { usageOf } from './counters.ts';

export interface KernelFolders {
  /** `/proc`, `/sys/fs/cgroup`. */
  proc: string;
  cgroup: string;
}

export const KERNEL_FOLDERS: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' };

/** The largest, memory.stat, has about 2 KiB; a read of a kernel file gives all of it or its beginning. */
const buffer = Buffer.allocUnsafe(16 * 1024);

type Files = Record<'cpu' | 'memory' | 'memoryStat', number>;

export class CgroupFiles {
  readonly #version: CgroupPlace['version'];
  readonly #files: Files;

  private constructor(version: CgroupPlace['version'], files: Files) {
    this.#version = version;
    this.#files = files;
  }

  /** Undefined where they cannot be had: no right to, a Docker elsewhere, a process that is gone. */
  static open(folders: KernelFolders, pid: number, containerId: string): CgroupFiles | undefined {
    const opened: number[] = [];
    try {
      const place = placeOf(readFileSync(join(folders.proc, String(pid), 'cgroup'), 'utf8'), containerId);
      if (!place) return undefined;
      const open = (path: string): number => {
        const file = openSync(join(folders.cgroup, path), 'r');
        opened.push(file);
        return file;
      };
      const { version, cpu, memory, memoryStat } = place;
      return new CgroupFiles(version, { cpu: open(cpu), memory: open(memory), memoryStat: open(memoryStat) });
    } catch {
      for (const file of opened) closeSync(file);
      return undefined;
    }
  }

  /** Synchronous: the kernel answers from memory, and a thread pool would cost more than the read. Undefined once the cgroup is gone. */
  read(): ContainerUsage | undefined {
    const { cpu, memory, memoryStat } = this.#files;
    try {
      return usageOf(this.#version, { cpu: textOf(cpu), memory: textOf(memory), memoryStat: textOf(memoryStat) });
    } catch {
      return undefined;
    }
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }
}

const textOf = (file: number): string => buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
