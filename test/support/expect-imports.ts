// Writes what each import gives now as what is expected of it: `node test/support/expect-imports.ts`, then read the diff.
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { importCases, runImport } from './imports.ts';

for (const one of importCases()) {
  const { definitions, skipped } = await runImport(one);
  const plain: unknown = JSON.parse(JSON.stringify({ templates: definitions, skipped }));
  writeFileSync(one.expectedFile, stringify(plain, { lineWidth: 110 }));
}
