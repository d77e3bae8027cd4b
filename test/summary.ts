// Runs tap with the given arguments and closes with one plain line: `N passed, N failed, N skipped`.
//
// A test is what a test file holds at its top level; the asserts and steps inside it are not counted. A skip counts at
// any depth, because it is something that did not run. In CI (CI=true) a skip is a failure: a machine without Docker
// must not look green.
//
// usage: npm run tap -- [tap's arguments, e.g. test/unit/plan.test.ts]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';

export type Summary = { passed: number; failed: number; skipped: string[] };

const RESULT = /^( *)(not )?ok \d+(?: - (.*?))?( \{)?$/;
const DIRECTIVE = /^(.*?) ?# (SKIP|TODO)\b ?(.*)$/i;
const TOP_LEVEL_OF_A_FILE = 4; // columns: tap indents a file's tests by four

export function summarise(tap: string): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: [] };
  for (const line of withoutDiagnostics(tap)) {
    const result = RESULT.exec(line);
    if (!result) continue;
    const [, indent = '', notOk, text = ''] = result;
    const directive = DIRECTIVE.exec(text);
    if (directive) summary.skipped.push(describeSkip(directive[1] ?? '', directive[3] ?? ''));
    else if (indent.length === TOP_LEVEL_OF_A_FILE) summary[notOk ? 'failed' : 'passed'] += 1;
  }
  return summary;
}

const describeSkip = (name: string, reason: string) => name.replaceAll('\\#', '#') + (reason && `: ${reason}`);

/** A diagnostic block quotes source and output, which may well look like results. */
function* withoutDiagnostics(tap: string): Generator<string> {
  let closing: string | undefined;
  for (const line of tap.split('\n')) {
    if (closing !== undefined) {
      if (line === closing) closing = undefined;
    } else if (/^ *---$/.test(line)) closing = line.replace('---', '...');
    else yield line;
  }
}

/**
 * Resolves with tap's exit code and all that it reported. Tap draws on a terminal and writes its report to a file beside;
 * elsewhere the report itself goes to stdout, and with a file as well each line of it would come twice.
 */
async function runTap(args: string[]): Promise<{ exitCode: number; report: string }> {
  process.on('SIGINT', () => {}); // reaches tap as well, which then stops its tests and exits
  if (process.stdout.isTTY) {
    const file = '.tap/report.tap';
    rmSync(file, { force: true }); // or a run that dies early would be judged by the one before it
    const [exitCode] = await once(spawn('tap', [`--output-file=${file}`, ...args], { stdio: 'inherit' }), 'close');
    return { exitCode: exitCode ?? 1, report: existsSync(file) ? readFileSync(file, 'utf8') : '' };
  }
  const tap = spawn('tap', args, { stdio: ['inherit', 'pipe', 'inherit'] });
  let report = '';
  tap.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    report += chunk;
    process.stdout.write(chunk);
  });
  const [exitCode] = await once(tap, 'close');
  return { exitCode: exitCode ?? 1, report };
}

if (import.meta.main) {
  const { exitCode, report } = await runTap(process.argv.slice(2));
  const { passed, failed, skipped } = summarise(report);

  for (const name of skipped) console.log(`skipped: ${name}`);
  const skipFails = process.env['CI'] === 'true' && skipped.length > 0;
  if (skipFails) console.log('In CI every test must run: a skip is a failure.');
  // A file that crashes or hangs fails without a failing test in it.
  console.log(`${passed} passed, ${exitCode && !failed ? 1 : failed} failed, ${skipped.length} skipped`);
  process.exitCode = exitCode || (skipFails ? 1 : 0);
}
