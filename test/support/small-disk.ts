// A file system of its own with so much room and no more, for what happens when a disk is full. Needs root.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** With the id of the process that made it. */
const PREFIX = join(tmpdir(), 'longshore-disk-');

export class SmallDisk {
  readonly dir: string;

  constructor(t: Test, bytes: number) {
    sweepLeftovers();
    this.dir = mkdtempSync(`${PREFIX}${process.pid}-`);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', this.dir]);
    t.teardown(() => unmount(this.dir));
  }

  /** Somebody else fills it to the last byte. */
  fill(): void {
    for (const bytes of [1 << 20, 1 << 16, 1 << 12]) {
      while (this.#append(Buffer.alloc(bytes, 'x'))) continue;
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  get #filler(): string {
    return join(this.dir, 'somebody-elses');
  }

  #append(data: Buffer): boolean {
    try {
      writeFileSync(this.#filler, data, { flag: 'a' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw error;
    }
  }
}

function unmount(dir: string): void {
  execFileSync('umount', ['--lazy', dir]);
  rmSync(dir, { recursive: true, force: true });
}

/** A test file that was killed cleaned nothing up. Those of files that still run stay. */
function sweepLeftovers(): void {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, dir = ''] = line.split(' ');
    if (!dir.startsWith(PREFIX) || isAlive(Number.parseInt(dir.slice(PREFIX.length), 10))) continue;
    try {
      unmount(dir);
    } catch {
      continue; // another file was quicker
    }
  }
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Why there can be none here, or false. */
export const missingSmallDisk = (): string | false => process.getuid?.() !== 0 && 'only root can mount a file system';
