// What a write that failed says of a process: whether the next one would have more luck with the same database.

export interface StorageStanding {
  /** A restart would mend it. */
  isSound: boolean;
  /** What is wrong; null when a write was taken. */
  trouble: string | null;
}

/** These outlive a restart: whoever can do something about them is not us. */
const LASTING: readonly [code: RegExp, trouble: string][] = [
  [/^SQLITE_(FULL|IOERR_SHMSIZE)$/, 'the disk is full'],
  [/^SQLITE_(BUSY|LOCKED)/, 'another program holds the database'],
  [/^SQLITE_READONLY$/, 'the database may not be written'],
];

/** `error`: what a small committed write threw; undefined when it did not. */
export function judgeWrite(error: unknown): StorageStanding {
  if (error === undefined) return { isSound: true, trouble: null };
  const code = codeOf(error);
  const [, trouble] = LASTING.find(([lasting]) => lasting.test(code)) ?? [];
  if (trouble !== undefined) return { isSound: true, trouble };
  return { isSound: false, trouble: `the database takes no writes (${code})` };
}

/** SQLite's own word, which errors of ours carry as their cause. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
}
