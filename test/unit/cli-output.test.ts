import t from 'tap';
import { formatAge, parseDuration, parseSince } from '../../cli/duration.ts';
import { EXIT_CODES, exitOf } from '../../cli/exit-codes.ts';
import { ApiError, JobFailedError } from '../../cli/failures.ts';
import { parsePairs } from '../../cli/pairs.ts';
import { printable, printableJson } from '../../cli/printable.ts';
import { renderTable, type Column } from '../../cli/table.ts';
import { ERRORS, LongshoreError, type ErrorCode } from '#shared/errors.ts';

void t.test('A62: no control byte reaches the terminal as it is', async (t) => {
  const cases: [given: string, shown: string][] = [
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\u001b]8;;http://evil\u0007link', '\\x1b]8;;http://evil\\x07link'],
    ['\u001b]52;c;ZXZpbA==\u0007', '\\x1b]52;c;ZXZpbA==\\x07'],
    ['\r\n{"level":"fatal"}', '\\r\\n{"level":"fatal"}'],
    ['a\0b\u007f', 'a\\x00b\\x7f'],
    ['\u009b31m', '\\x9b31m'],
    ['abc\u202edcb', 'abc\\u202edcb'],
    ['line\u2028line', 'line\\u2028line'],
    ['tab\tstays, so does é and 日本 and <script>', 'tab\tstays, so does é and 日本 and <script>'],
  ];
  for (const [given, shown] of cases) t.equal(printable(given), shown);
});

void t.test('A62: JSON output reads back as it was and holds no control byte either', async (t) => {
  const value = { message: '\u001b[31m \u009b \u007f \u202e \u2028 \0 é' };
  const text = printableJson(value);
  t.same(JSON.parse(text), value);
  t.notMatch(text, /[^ -~é]/);
});

interface Row {
  name: string;
  note: string | null;
}
const COLUMNS: Column<Row>[] = [
  { title: 'NAME', cell: (row) => row.name, style: () => 'green' },
  { title: 'NOTE', cell: (row) => row.note },
];

void t.test('on a terminal columns are aligned and never wrap', async (t) => {
  const rows = [
    { name: 'a', note: 'short' },
    { name: 'longer', note: 'a note that is longer than the terminal' },
    { name: 'b', note: null },
  ];
  t.equal(
    renderTable(COLUMNS, rows, { width: 24, hasColour: false }),
    ['NAME    NOTE', 'a       short', 'longer  a note that is …', 'b       -', ''].join('\n'),
  );
});

void t.test('into a pipe each cell is separated by one tab, complete and without colour', async (t) => {
  const rows = [{ name: 'a\tb', note: 'a note that is longer than the terminal' }];
  const text = renderTable(COLUMNS, rows, { width: undefined, hasColour: true });
  t.equal(text, 'NAME\tNOTE\na b\ta note that is longer than the terminal\n');
});

void t.test('A62: a table cell cannot break its row or colour the screen', async (t) => {
  const text = renderTable(COLUMNS, [{ name: 'x\u001b[2J\ny', note: '' }], { width: 80, hasColour: false });
  t.equal(text.split('\n')[1], 'x\\x1b[2J\\ny  -');
});

void t.test('colour adds nothing to the width', async (t) => {
  const [, row = ''] = renderTable(COLUMNS, [{ name: 'a', note: 'b' }], { width: 80, hasColour: true }).split('\n');
  t.equal(row, '\u001b[32ma   \u001b[39m  b');
});

void t.test('durations and moments', async (t) => {
  t.same(
    ['90s', '10m', '2h', '1d'].map((text) => parseDuration(text, '--since')),
    [90_000, 600_000, 7_200_000, 86_400_000],
  );
  const now = Date.UTC(2026, 2, 29, 14, 30);
  t.equal(parseSince('10m', now), '2026-03-29T14:20:00.000Z');
  t.equal(parseSince('2026-03-29T14:30:00.123456789Z', now), '2026-03-29T14:30:00.123456789Z');
  for (const wrong of ['yesterday', '10', '2026-03-29', '2026-13-29T14:30:00Z', ''])
    t.throws(() => parseSince(wrong, now), { code: 'bad_request' }, wrong);
  const ages = ['14:29:55', '14:20:00', '10:00:00', '00:00:00'].map((time) => formatAge(`2026-03-29T${time}Z`, now));
  t.same(ages, ['5s', '10m', '4h', '14h']);
  t.equal(formatAge(null, now), null);
});

void t.test('a pair is split at its first =, and a wrong one is not repeated: it may be a secret', async (t) => {
  t.same(parsePairs(['A=1', 'B=x=y', 'C='], '--env'), { A: '1', B: 'x=y', C: '' });
  t.throws(() => parsePairs(['hunter2'], '--env'), { message: '--env takes NAME=VALUE' });
  t.throws(() => parsePairs(['=x'], '--env'), { code: 'bad_request' });
});

void t.test('each error leads to the exit code its kind has', async (t) => {
  const expected: [code: ErrorCode, exit: string][] = [
    ['bad_request', 'usage'],
    ['invalid_query', 'usage'],
    ['unauthorized', 'denied'],
    ['forbidden', 'denied'],
    ['not_found', 'notFound'],
    ['name_taken', 'conflict'],
    ['service_busy', 'conflict'],
    ['host_offline', 'conflict'],
    ['rate_limited', 'conflict'],
    ['validation_error', 'invalid'],
    ['compose_policy', 'invalid'],
    ['template_variable', 'invalid'],
    ['apply_failed', 'failed'],
    ['unhealthy', 'failed'],
    ['image_unavailable', 'failed'],
    ['config_invalid', 'config'],
    ['internal', 'failed'],
  ];
  for (const [code, exit] of expected) t.equal(exitOf(new LongshoreError(code)), exit, code);
  t.equal(exitOf(ApiError.unreachable('http://x', new Error('refused'))), 'unreachable');
  t.equal(exitOf(JobFailedError.from('The deploy', { code: 'port_taken', message: 'm' }, '')), 'failed');
  t.equal(exitOf(new DOMException('interrupted', 'AbortError')), 'interrupted');
  const ofPrompt = Object.assign(new Error('Aborted with Ctrl+C'), { name: 'AbortError' });
  t.equal(exitOf(ofPrompt), 'interrupted', 'a prompt reads Ctrl-C as a key');
  t.equal(exitOf(new TypeError('a bug')), 'failed');
});

void t.test('no error code is left to chance, and exit codes are distinct', async (t) => {
  const exits = Object.keys(ERRORS).map((code) => exitOf(new LongshoreError(code as ErrorCode)));
  t.ok(exits.every((exit) => exit in EXIT_CODES));
  const codes = Object.values(EXIT_CODES).map(({ code }) => code);
  t.equal(new Set(codes).size, codes.length);
});
