// A copy of control.db as it was before its schema changed: the way back to the release before (docs/upgrades.md).
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { copySqlite, type Sqlite } from '#shared/sqlite.ts';

/** Each is as large as the database. */
const KEPT = 2;

/** `control.db.before-28` is from before step 28. Throws `storage_full`: a schema changes with a way back or not at all. */
export function keepBefore(db: Sqlite, file: string, version: number): void {
  try {
    copySqlite(db, `${file}.before-${version}`);
  } catch (cause) {
    const message = 'Cannot keep the database before its schema changes';
    const details = `Free space for another ${basename(file)} beside it`;
    throw new LongshoreError('storage_full', { message, details, cause });
  }
  prune(file);
}

function prune(file: string): void {
  const prefix = `${basename(file)}.before-`;
  const versions = readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter(Number.isSafeInteger)
    .toSorted((a, b) => b - a);
  for (const version of versions.slice(KEPT)) rmSync(join(dirname(file), `${prefix}${version}`), { force: true });
}
