// What a command touches of the process it runs in, so that tests can give it another one.
import type { Readable, Writable } from 'node:stream';
import { type Clock, systemClock } from '#shared/time.ts';

export interface World {
  env: Readonly<Record<string, string | undefined>>;
  stdin: Readable & { isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
  stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  stderr: Writable & { isTTY?: boolean };
  clock: Clock;
  /** Aborts on Ctrl-C. From the first call on, an interrupt is ours: the command ends in order, a second one kills. */
  interruption(): AbortSignal;
}

/** Of a terminal that does not tell its size, or says 0 as some pseudo terminals do. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** Columns of the terminal; also of a pipe, for those who ask. */
export const columnsOf = ({ columns }: Pick<World['stdout'], 'columns'>): number => columns || USUAL_COLUMNS;

export const rowsOf = ({ rows }: Pick<World['stdout'], 'rows'>): number => rows || USUAL_ROWS;

export function worldOf(process: NodeJS.Process): World {
  let abort: AbortController | undefined;
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    interruption() {
      if (!abort) {
        const created = (abort = new AbortController());
        process.once('SIGINT', () => created.abort(new DOMException('interrupted', 'AbortError')));
      }
      return abort.signal;
    },
  };
}
