// A folder of its own for what a test starts: for data of programs that run, of databases that are open.
//
// Not `t.testdir()`: made before the first teardown of its test, it is removed before all of them, while somebody still
// writes there; then it fails, and none of the teardowns is called.
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** Removed when the test ends, after whatever was registered later has stopped: teardowns run from the last to the first. */
export function makeFolder(t: Test, name: string): string {
  const folder = openFolder(name);
  t.teardown(() => removeFolder(folder));
  return folder;
}

/** For what has no test around it, and calls `removeFolder` by itself. */
export function openFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `longshore-${name}-`));
}

/** Also while the last child of a program that was killed still writes there. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}
