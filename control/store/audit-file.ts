// Checks the audit log in the database file itself, without the control plane and beside a running one.
import { join } from 'node:path';
import { LongshoreError } from '#shared/errors.ts';
import { openSqliteReadOnly } from '#shared/sqlite.ts';
import { parseHead } from './audit.ts';
import { checkChain, EMPTY_HEAD, type AuditCheck, type AuditHead, type AuditRow } from './audit-chain.ts';

/** Reads one state of the file, however much is written meanwhile. Throws `not_found` where there is no such log. */
export function checkAuditFile(dataDir: string, expected?: string): AuditCheck {
  const file = join(dataDir, 'control.db');
  const db = openSqliteReadOnly(file);
  try {
    if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'").get())
      throw new LongshoreError('not_found', { message: `"${file}" has no audit log yet: start this version once` });
    return db.transaction(() => {
      const anchor = db.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'audit_head'").get();
      const rows = db.prepare<[], AuditRow>('SELECT * FROM audit ORDER BY seq').iterate();
      return checkChain(rows, readAnchor(anchor?.value), expected);
    })();
  } finally {
    db.close();
  }
}

/** One that is no JSON any more was tampered with: then it names no row, and the check says so. */
function readAnchor(text: string | undefined): AuditHead {
  try {
    return parseHead(text);
  } catch {
    return EMPTY_HEAD;
  }
}
