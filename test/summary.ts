// Runs tap with the given arguments and closes with one plain line: `N passed, N failed, N skipped`.
//
// A test is what a test file holds at its top level; the asserts and steps inside it are not counted. A skip counts at
// any depth, because it is something that did not run. In CI (CI=true) a skip is a failure: a machine without Docker
// must not look green.
//
// usage: npm run tap -- [tap's arguments, e.g. test/unit/plan.test.ts]
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';

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

function runTap(args: string[], output: string): Promise<number> {
  // Off a terminal tap prints raw TAP, and with an output file every line of it twice.
  const reporter = process.stdout.isTTY ? [] : ['--reporter=dot'];
  const tap = spawn('tap', [`--output-file=${output}`, ...reporter, ...args], { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // reaches tap as well, which then stops its tests and exits
  return new Promise((resolve, reject) => tap.on('error', reject).on('close', (code) => resolve(code ?? 1)));
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

if (import.meta.main) {
  const output = '.tap/out.tap';
  mkdirSync('.tap', { recursive: true });
  rmSync(output, { force: true }); // or a run that dies early would be judged by the one before it
  const exitCode = await runTap(process.argv.slice(2), output);
  const { passed, failed, skipped } = summarise(readOrEmpty(output));

  for (const name of skipped) console.log(`skipped: ${name}`);
  const skipFails = process.env['CI'] === 'true' && skipped.length > 0;
  if (skipFails) console.log('In CI every test must run: a skip is a failure.');
  // A file that crashes or hangs fails without a failing test in it.
  console.log(`${passed} passed, ${exitCode && !failed ? 1 : failed} failed, ${skipped.length} skipped`);
  process.exitCode = exitCode || (skipFails ? 1 : 0);
}
