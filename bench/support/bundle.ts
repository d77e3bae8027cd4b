// The agent as a release ships it, with this machine's SQLite addon beside it.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAgent as bundle, ROOT } from '../../cli/release/bundle.ts';
import { addonOf } from '../../cli/release/tree.ts';

/** Bundles it into a folder; returns the path of the program. */
export async function bundleAgent(outDir = join(ROOT, 'dist')): Promise<string> {
  await bundle({ root: ROOT, version: '0.0.0-bench', outDir });
  copyFileSync(addonOf(ROOT, process.arch), join(outDir, 'better_sqlite3.node'));
  return join(outDir, 'agent.mjs');
}
