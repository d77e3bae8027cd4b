import t from 'tap';
import { splitCommand } from '../support/curl.ts';

t.test('a printed command is taken apart as a shell would', async (t) => {
  t.strictSame(splitCommand('curl -X POST https://x/a \\\n  -H "Authorization: Bearer k"\n'), [
    'curl',
    '-X',
    'POST',
    'https://x/a',
    '-H',
    'Authorization: Bearer k',
  ]);
  t.strictSame(splitCommand(`curl -d '{"compose": "version: '\\''3.8'\\''\\n"}'`), [
    'curl',
    '-d',
    '{"compose": "version: \'3.8\'\\n"}',
  ]);
});

t.test('a bare URL keeps its query', async (t) => {
  t.strictSame(splitCommand('curl https://x/api?status=running&per_page=10 -v'), [
    'curl',
    'https://x/api?status=running&per_page=10',
    '-v',
  ]);
});

t.test('an escape inside double quotes is undone only where a shell does', async (t) => {
  t.strictSame(splitCommand('echo "a \\"b\\" \\n" c\\ d'), ['echo', 'a "b" \\n', 'c d']);
});
