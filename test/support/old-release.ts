// A release of before, unpacked so that Node can run it: test/fixtures/releases/README.md.
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { brotliDecompressSync } from 'node:zlib';
import { CATALOGUE_DIR } from '../../control/templates/load.ts';
import { makeFolder } from './folder.ts';

const KEPT = fileURLToPath(new URL('../fixtures/releases', import.meta.url));

export interface OldRelease {
  agent: string;
  control: string;
}

export function unpackOldRelease(t: Test, version: string): OldRelease {
  const folder = makeFolder(t, `release-${version}`);
  for (const name of ['agent', 'thread', 'control']) {
    const packed = readFileSync(join(KEPT, version, `${name}.mjs.br`));
    writeFileSync(join(folder, `${name}.mjs`), brotliDecompressSync(packed));
  }
  const sqlite = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  copyFileSync(join(sqlite, 'prebuilds', `linux-${process.arch}.node`), join(folder, 'better_sqlite3.node'));
  symlinkSync(CATALOGUE_DIR, join(folder, 'catalogue'));
  return { agent: join(folder, 'agent.mjs'), control: join(folder, 'control.mjs') };
}
