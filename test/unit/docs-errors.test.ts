// docs/errors.md and the table in shared/errors.ts say the same.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ERRORS } from '#shared/errors.ts';

t.test('docs/errors.md lists every error as the code has it', async (t) => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (yes|no) \| (.+) \|$/gm)].map((row) => row.slice(1));
  const inCode = Object.entries(ERRORS).map(([code, { status, retryable, message }]) => {
    return [code, String(status), retryable ? 'yes' : 'no', message];
  });
  t.strictSame(documented, inCode);
});
