// A file system of its own with so much room and no more, for what happens when a disk is full. Needs root.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export class SmallDisk {
  readonly dir: string;

  constructor(t: Test, bytes: number) {
    this.dir = mkdtempSync(join(tmpdir(), 'longshore-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', this.dir]);
    t.teardown(() => {
      execFileSync('umount', ['--lazy', this.dir]);
      rmSync(this.dir, { recursive: true, force: true });
    });
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

/** Why there can be none here, or false. */
export const missingSmallDisk = (): string | false => process.getuid?.() !== 0 && 'only root can mount a file system';
