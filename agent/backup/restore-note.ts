// What a restore under way has done, on disk before it is done: whoever comes after a crash knows which data counts.
import { rm } from 'node:fs/promises';
import { readIfThere, writeAtomic } from '../deploy/workspace.ts';

export interface RestoreNote {
  jobId: string;
  /** Where the volumes' files are. */
  mountpoints: string[];
  /** Containers that ran before; null while none was stopped. */
  stopped: string[] | null;
  /** From then on the restored data counts, before that the old. */
  isSwapped: boolean;
}

const NOTE_MODE = 0o600;

export class RestoreNotes {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Undefined when no restore is under way. */
  async load(): Promise<RestoreNote | undefined> {
    const text = await readIfThere(this.#file);
    return text === undefined ? undefined : (JSON.parse(text) as RestoreNote);
  }

  async save(note: RestoreNote): Promise<RestoreNote> {
    await writeAtomic(this.#file, JSON.stringify(note), NOTE_MODE);
    return note;
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}
