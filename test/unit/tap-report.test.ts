import t from 'tap';
import { readReport } from '../support/tap-report.ts';

t.test('tests are counted, the steps and asserts inside them are not', async (t) => {
  const tap = `
# Subtest: test/a.test.ts
    # Subtest: one
        ok 1 - should be equal
        not ok 2 - should be equal
          ---
          diff: |
            -2
            +1
          ...
        1..2
    not ok 1 - one # time=4.188ms
      ---
      at: elsewhere
      ...
    # Subtest: two
        # Subtest: step
            ok 1 - should be equal
        ok 1 - step # time=1ms
    ok 2 - two # time=5ms
not ok 1 - test/a.test.ts # time=19.609ms
# Subtest: test/b.test.ts
    ok 1 - fine
ok 2 - test/b.test.ts # time=19.609ms
`;
  const why = ['          diff: |', '            -2', '            +1'];
  t.same(
    [...readReport(tap)],
    [
      ['test/a.test.ts', { passed: 1, failures: [{ test: 'one', why }], skipped: [] }],
      ['test/b.test.ts', { passed: 1, failures: [], skipped: [] }],
    ],
  );
});

t.test('a skip counts at any depth, with its reason', async (t) => {
  const tap = `
    ok 1 - needs \\# an engine # SKIP no Docker
    # Subtest: outer
        ok 1 - later # TODO
    ok 2 - outer # time=3.397ms
ok 3 - test/c.test.ts # SKIP whole file
`;
  t.same(readReport(tap).get('test/c.test.ts'), {
    passed: 1,
    failures: [],
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
not ok 1 - test/d.test.ts
`;
  const failures = [{ test: 'real', why: ['      diff: |', '    ok 2 - quoted # SKIP'] }];
  t.same(readReport(tap).get('test/d.test.ts'), { passed: 0, failures, skipped: [] });
});

t.test('a file that crashes fails by itself', async (t) => {
  const tap = `
# Subtest: test/e.test.ts
    1..0 # no tests found
not ok 2 - test/e.test.ts # time=298.196ms
  ---
  exitCode: 3
  ...
`;
  const failures = [{ test: null, why: ['  exitCode: 3'] }];
  t.same(readReport(tap).get('test/e.test.ts'), { passed: 0, failures, skipped: [] });
});

t.test('files that a file runs count as files, and itself only for a failure of its own', async (t) => {
  const tap = (end: string) => `
    # Subtest: test/in/f.test.ts
        # Subtest: one
            not ok 1 - should be equal
              ---
              diff: |
                -2
              ...
        not ok 1 - one
        ok 2 - two # SKIP no hosts
    not ok 1 - test/in/f.test.ts # time=19.609ms
    # Subtest: test/in/g.test.ts
        ok 1 - fine
    ok 2 - test/in/g.test.ts # time=19.609ms
${end}
`;
  const why = ['              diff: |', '                -2'];
  const inner = [
    ['test/in/f.test.ts', { passed: 0, failures: [{ test: null, why }], skipped: ['two: no hosts'] }],
    ['test/in/g.test.ts', { passed: 1, failures: [], skipped: [] }],
  ];
  t.same([...readReport(tap('not ok 1 - test/all.test.ts # time=40ms'))], inner);
  const late = { test: 'its own', why: [] };
  const [, , outer] = readReport(tap('    not ok 3 - its own\nnot ok 1 - test/all.test.ts # time=40ms'));
  t.same(outer, ['test/all.test.ts', { passed: 0, failures: [late], skipped: [] }]);
});

t.test('a run that left no output has no passed test', async (t) => {
  t.equal(readReport('').size, 0);
});
