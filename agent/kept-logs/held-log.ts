// A hold on the log of a container that may go away: Docker deletes the files, but those that are open stay readable, to
// the very last line. Where the files cannot be read, the log is followed and its end remembered.
import type { Clock } from '#shared/time.ts';
import { openLogFiles, type LogFile, type LogFiles } from '../docker/log-file.ts';
import { endsLine } from '../docker/log-records.ts';
import { lastRecordEnd } from '../docker/log-seek.ts';
import { FollowedTail } from './followed-tail.ts';
import { type HeldLog, MAX_KEPT_BYTES } from './kept-log.ts';

export interface LogPlace {
  socketPath: string;
  clock: Clock;
  containerId: string;
  file: LogFile | undefined;
}

export async function holdLog({ socketPath, clock, containerId, file }: LogPlace): Promise<HeldLog> {
  const files = file && (await openLogFiles(file.path));
  if (files) return new HeldFiles(files, file.isTty);
  return FollowedTail.open({ socketPath, clock, containerId });
}

class HeldFiles implements HeldLog {
  readonly #files: LogFiles;
  readonly isTty: boolean;

  constructor(files: LogFiles, isTty: boolean) {
    this.#files = files;
    this.isTty = isTty;
  }

  /** With what was written since the files were opened. A file that Docker began meanwhile by rotating is not held. */
  async tail(): Promise<Buffer> {
    const parts: Buffer[] = [];
    let room = MAX_KEPT_BYTES;
    for (const { handle } of this.#files.snapshots.toReversed()) {
      const end = await lastRecordEnd(handle);
      const from = Math.max(0, end - room);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - from), 0, end - from, from);
      const bytes = buffer.subarray(0, bytesRead);
      parts.unshift(from === 0 ? bytes : bytes.subarray(startOfLine(bytes)));
      room -= bytes.length;
      if (room <= 0) break;
    }
    return Buffer.concat(parts);
  }

  release(): Promise<unknown> {
    return this.#files.close();
  }
}

/** In bytes that begin anywhere: behind the end of the line that they begin in, or half a secret could stand there. */
export function startOfLine(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', at) + 1;
    if (end === 0 || endsLine(bytes, at, end)) return end || bytes.length;
    at = end;
  }
  return bytes.length;
}
