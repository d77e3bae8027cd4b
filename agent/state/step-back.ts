// The way back when an upgrade is taken back: a new agent that never got connected may have changed the schema by then, and
// the agent of before cannot read that. So agent.db is copied before its schema changes, and the copy goes with the first
// welcome: where one lies, nobody has been told of anything that came after it.
//
//   new agent: copy ─▶ change schema ─▶ connected ─▶ copy is removed
//                                          └ never: taken back ─▶ agent of before: `schema_too_new` ─▶ the copy is the database
import { renameSync, rmSync, statSync } from 'node:fs';
import { LongshoreError } from '#shared/errors.ts';
import { copySqlite, openSqlite, type Migration, type Sqlite } from '#shared/sqlite.ts';
import type { Clock } from '#shared/time.ts';

/**
 * Root takes back within minutes, but for a power cut in between, which may last a weekend. What is older was left by an
 * agent that worked on its own since: its journal counts.
 */
const YOUNG_MS = 3 * 86_400_000;

const copyOf = (file: string): string => `${file}.before`;

/** Throws `schema_too_new` when there is no way back. */
export function openWithStepBack(file: string, migrations: readonly Migration[], clock: Clock): Sqlite {
  const open = () => openSqlite(file, migrations, (db) => copySqlite(db, copyOf(file)));
  try {
    return open();
  } catch (error) {
    const isTooNew = error instanceof LongshoreError && error.code === 'schema_too_new';
    if (!isTooNew || !isYoung(copyOf(file), clock)) throw error;
    for (const part of ['-wal', '-shm']) rmSync(file + part, { force: true }); // of another database
    renameSync(copyOf(file), file); // in one step: without a file there would be a new host
    return open();
  }
}

/** This version is here to stay. */
export const forgetStepBack = (file: string): void => rmSync(copyOf(file), { force: true });

function isYoung(copy: string, clock: Clock): boolean {
  const madeAt = statSync(copy, { throwIfNoEntry: false })?.mtimeMs;
  return madeAt !== undefined && clock.now() - madeAt < YOUNG_MS;
}
