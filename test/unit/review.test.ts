// What is reviewed, and the diff that people read.
import { applyPatch } from 'diff';
import t from 'tap';
import { kindOf, reasonToWait } from '../../control/app/deploys/review.ts';
import { unifiedDiff } from '../../control/app/deploys/unified-diff.ts';

const lines = (count: number, word = 'line') => Array.from({ length: count }, (_, n) => `${word} ${n}\n`).join('');

t.test('deploys of a service by AI that wants review become proposals; all else stays what it is', async (t) => {
  t.equal(kindOf({ kind: 'deploy' }, 'ai', true), 'propose');
  t.equal(kindOf({ kind: 'redeploy' }, 'ai', true), 'propose');
  t.equal(kindOf({ kind: 'redeploy', review: true }, 'ai', false), 'propose');
  t.equal(kindOf({ kind: 'redeploy', review: false }, 'ai', true), 'redeploy');
  t.equal(kindOf({ kind: 'deploy', approves: 'x' }, 'ai', true), 'deploy');
  t.equal(kindOf({ kind: 'rollback' }, 'ai', true), 'rollback');
  t.equal(kindOf({ kind: 'stop' }, 'ai', true), 'stop');
  t.equal(kindOf({ kind: 'deploy' }, 'git', true), 'deploy');
  t.equal(kindOf({ kind: 'deploy' }, 'ai', false), 'deploy');
});

t.test('what waits is named by its commit', async (t) => {
  t.equal(reasonToWait({ id: 'x', commit: '0123456789abcdef' }), 'A proposal for commit 0123456789ab waits for review');
  t.equal(reasonToWait(null), null);
});

t.test('a diff is what `patch` takes, with three lines around each change', async (t) => {
  const before = lines(20);
  const after = before.replace('line 10\n', 'another\n');
  t.equal(
    unifiedDiff('compose.yaml', before, after),
    `--- a/compose.yaml
+++ b/compose.yaml
@@ -8,7 +8,7 @@
 line 7
 line 8
 line 9
-line 10
+another
 line 11
 line 12
 line 13
`,
  );
  t.equal(unifiedDiff('compose.yaml', null, 'a\n'), '--- /dev/null\n+++ b/compose.yaml\n@@ -0,0 +1,1 @@\n+a\n');
  t.equal(unifiedDiff('compose.yaml', before, before), '');
});

t.test('a text that is another one altogether is shown as that, and still applies', async (t) => {
  for (const [before, after] of [
    [lines(3_000), lines(3_000, 'other')],
    [lines(2_000), ''],
    ['', lines(2_000)],
    ['no end', lines(2_000)],
  ] as const) {
    const patch = unifiedDiff('compose.yaml', before, after);
    t.equal(applyPatch(before, patch), after, `${before.length} to ${after.length}`);
  }
});
