// docs/conformance.md names a test for each documented point: each of them is there.
import { readFileSync } from 'node:fs';
import t from 'tap';

const POINT = /^\| .+ \| `(?<file>test\/[^`]+)` › (?<name>.+) \|$/;

t.test('every documented point names a test that exists', async (t) => {
  const lines = readFileSync('docs/conformance.md', 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| point |'));
  t.ok(rows.length > 30);
  for (const row of rows) {
    const { file = '', name = '' } = POINT.exec(row)?.groups ?? {};
    t.ok(file && readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(name), row);
  }
});
