// The control plane that a host belongs to, read from outside: also while its agent runs, or cannot start.
import { join } from 'node:path';
import { openSqliteReadOnly } from '#shared/sqlite.ts';

/** Null where no agent was welcomed yet, and where the state cannot be read. */
export function readControlUrl(dataDir: string): string | null {
  try {
    const db = openSqliteReadOnly(join(dataDir, 'agent.db'));
    try {
      return db.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'controlUrl'").get()?.value ?? null;
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}
