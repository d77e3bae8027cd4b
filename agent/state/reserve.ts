// Room on the disk that is kept for the journal: when the disk is full, the file goes, and what was promised can still be
// written. Until it is back the host takes no new work.
import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Ends of thousands of jobs. */
export const RESERVE_BYTES = 16 * 1024 * 1024;
/** Taken back only when so many times the room is free: a disk that is nearly full stays as it is. */
const ROOM_FACTOR = 2;
/** The second: the quota of a user. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);
const CHUNK_BYTES = 1024 * 1024;

export class Reserve {
  readonly #file: string;
  readonly #bytes: number;
  #isReleased = false;

  constructor(file: string, bytes: number = RESERVE_BYTES) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** The disk was full and the room has not been got back since, or there has been none from the start. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  release(): void {
    this.#isReleased = true;
    rmSync(this.#file, { force: true });
  }

  /** Puts the room aside where it is missing and there is plenty. Called now and then; does not throw for want of room. */
  async refill(): Promise<void> {
    if (this.#isWhole()) return;
    const draft = `${this.#file}.new`;
    await rm(draft, { force: true }); // of a process that ended meanwhile: it may be the very room that is missing
    const { bavail, bsize } = await statfs(dirname(this.#file));
    if (bavail * bsize < this.#bytes * ROOM_FACTOR) return void (this.#isReleased = true);
    try {
      await this.#write(draft);
      await rename(draft, this.#file);
      this.#isReleased = false;
    } catch (error) {
      await rm(draft, { force: true });
      if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.#isReleased = true;
    }
  }

  #isWhole(): boolean {
    return (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= this.#bytes;
  }

  /** Bytes that no file system can squeeze, or the room would be less than its name says. */
  async #write(file: string): Promise<void> {
    await using handle = await open(file, 'w', 0o600);
    const chunk = randomBytes(Math.min(CHUNK_BYTES, this.#bytes));
    for (let written = 0; written < this.#bytes; written += chunk.length) await handle.write(chunk);
    await handle.sync();
  }
}
