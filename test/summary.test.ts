import t from 'tap';
import { summarise } from './summary.ts';

t.test('tests are counted, the steps and asserts inside them are not', async (t) => {
  const tap = `
# Subtest: test/a.test.ts
    # Subtest: one
        ok 1 - should be equal
        not ok 2 - should be equal
        1..2
    not ok 1 - one # time=4.188ms
    # Subtest: two
        # Subtest: step
            ok 1 - should be equal
        ok 1 - step # time=1ms
    ok 2 - two # time=5ms
not ok 1 - test/a.test.ts # time=19.609ms
`;
  t.same(summarise(tap), { passed: 1, failed: 1, skipped: [] });
});

t.test('a skip counts at any depth, with its reason', async (t) => {
  const tap = `
    ok 1 - needs \\# an engine # SKIP no Docker
    # Subtest: outer
        ok 1 - later # TODO
    ok 2 - outer # time=3.397ms
ok 3 - test/c.test.ts # SKIP whole file
`;
  t.same(summarise(tap), {
    passed: 1,
    failed: 0,
    skipped: ['needs # an engine: no Docker', 'later', 'test/c.test.ts: whole file'],
  });
});

t.test('what a diagnostic quotes is not a result', async (t) => {
  const tap = `
    not ok 1 - real
      ---
      diff: |
    ok 2 - quoted # SKIP
      ...
`;
  t.same(summarise(tap), { passed: 0, failed: 1, skipped: [] });
});

t.test('a run that left no output has no passed test', async (t) => {
  t.same(summarise(''), { passed: 0, failed: 0, skipped: [] });
});
