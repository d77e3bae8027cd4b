// The counters of one container, read from the kernel's own files. They stay open: opening them anew for each round
// costs four times as much as reading them does.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerUsage } from '../docker/engine.ts';
import { placeOf, type CgroupPlace } from './cgroup-place.ts';
import { usageOf } from './counters.ts';
import { kernelText } from './kernel-text.ts';

export interface KernelFolders {
  /** `/proc`, `/sys/fs/cgroup`, `/sys`. */
  proc: string;
  cgroup: string;
  sys: string;
}

export const KERNEL_FOLDERS: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup', sys: '/sys' };

export interface MeasuredProcess {
  id: string;
  pid: number;
  hasOwnNetwork: boolean;
}

type Name = Exclude<keyof CgroupPlace, 'version'> | 'network';
type Files = Partial<Record<Name, number>> & Record<'cpu' | 'memory' | 'memoryStat', number>;

export class CgroupFiles {
  readonly #version: CgroupPlace['version'];
  readonly #files: Files;

  private constructor(version: CgroupPlace['version'], files: Files) {
    this.#version = version;
    this.#files = files;
  }

  /** Undefined where they cannot be had: no right to, a Docker elsewhere, a process that is gone. */
  static open({ proc, cgroup }: KernelFolders, measured: MeasuredProcess): CgroupFiles | undefined {
    const own = join(proc, String(measured.pid));
    const opened: number[] = [];
    const open = (path: string): number => {
      const file = openSync(path, 'r');
      opened.push(file);
      return file;
    };
    try {
      const place = placeOf(readFileSync(join(own, 'cgroup'), 'utf8'), measured.id);
      if (!place) return undefined;
      const within = (path: string) => open(join(cgroup, path));
      const files: Files = {
        cpu: within(place.cpu),
        memory: within(place.memory),
        memoryStat: within(place.memoryStat),
      };
      for (const name of ['io', 'pids'] as const) {
        const path = place[name];
        if (path !== undefined) addIfThere(files, name, () => within(path));
      }
      // It keeps the container's network namespace, which nobody sees, until the round after the container's end.
      if (measured.hasOwnNetwork) addIfThere(files, 'network', () => open(join(own, 'net/dev')));
      return new CgroupFiles(place.version, files);
    } catch {
      for (const file of opened) closeSync(file);
      return undefined;
    }
  }

  /** Synchronous: the kernel answers from memory, and a thread pool would cost more than the read. Undefined once the cgroup is gone. */
  read(): ContainerUsage | undefined {
    const { cpu, memory, memoryStat, io, pids, network } = this.#files;
    try {
      return usageOf(this.#version, {
        cpu: kernelText(cpu),
        memory: kernelText(memory),
        memoryStat: kernelText(memoryStat),
        io: io === undefined ? undefined : kernelText(io),
        pids: pids === undefined ? undefined : kernelText(pids),
        network: network === undefined ? undefined : kernelText(network),
      });
    } catch {
      return undefined;
    }
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }
}

/** Without it the rest is still worth having. */
function addIfThere(files: Files, name: Name, open: () => number): void {
  try {
    files[name] = open();
  } catch {
    // A kernel without the controller.
  }
}
