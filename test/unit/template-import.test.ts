// Imports: each fixture against what came of it, whole, so that nothing is gained or lost unseen.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { renderTemplate } from '../../control/templates/render.ts';
import { importCases, missingValues, runImport } from '../support/imports.ts';

const random = { randomBytes, now: () => Date.UTC(2026, 0, 2) };

void t.test('each format is recognised, and carried over as far as it goes', async (t) => {
  for (const one of importCases()) {
    const { definitions, skipped } = await runImport(one);
    const found = { templates: definitions, skipped };
    t.strictSame(JSON.parse(JSON.stringify(found)), parse(readFileSync(one.expectedFile, 'utf8')), one.name);
    for (const { origin } of definitions) t.equal(origin?.format, one.format, one.name);
  }
});

void t.test('what is imported can be deployed with what the form asks for and nothing else', async (t) => {
  for (const one of importCases()) {
    for (const definition of (await runImport(one)).definitions) {
      const { variables } = renderTemplate(definition, missingValues(definition), random);
      t.same(
        Object.keys(variables),
        definition.variables.map(({ name }) => name),
        `${one.name}: ${definition.id}`,
      );
    }
  }
});
