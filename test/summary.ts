// Runs tap with the given arguments and closes with what failed and one plain line: `N passed, N failed, N skipped`.
//
// In CI (CI=true) a skip is a failure: a machine without Docker must not look green. And there a few files that failed
// are run once more, alone, with the word that they were; docs/decisions/0021-a-second-try-is-told.md says why.
//
// usage: npm run tap -- [tap's arguments, e.g. test/unit/plan.test.ts]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readReport, type FileResult } from './support/tap-report.ts';

/** More than these are no accident. */
const SECOND_TRIES = 3;

interface Run {
  exitCode: number;
  files: Map<string, FileResult>;
}

/**
 * Tap draws on a terminal and writes its report to a file beside; elsewhere the report itself goes to stdout, and with
 * a file as well each line of it would come twice.
 */
async function runTap(args: string[]): Promise<Run> {
  if (process.stdout.isTTY) {
    const file = '.tap/report.tap';
    rmSync(file, { force: true }); // or a run that dies early would be judged by the one before it
    const [exitCode] = await once(spawn('tap', [`--output-file=${file}`, ...args], { stdio: 'inherit' }), 'close');
    return { exitCode: exitCode ?? 1, files: readReport(existsSync(file) ? readFileSync(file, 'utf8') : '') };
  }
  const tap = spawn('tap', args, { stdio: ['inherit', 'pipe', 'inherit'] });
  let report = '';
  tap.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    report += chunk;
    process.stdout.write(chunk);
  });
  const [exitCode] = await once(tap, 'close');
  return { exitCode: exitCode ?? 1, files: readReport(report) };
}

const failedIn = ({ files }: Run): string[] =>
  [...files].filter(([, { failures }]) => failures.length > 0).map(([name]) => name);

function tellFailures(title: string, run: Run, names: readonly string[]): void {
  for (const name of names) {
    for (const { test, why } of run.files.get(name)?.failures ?? []) {
      console.log(`${title}: ${name}${test === null ? '' : ` › ${test}`}`);
      for (const line of why) console.log(line);
    }
  }
}

/** The failed files once more, one by one; what passes now takes the place of what failed. */
async function tryAgain(first: Run, names: readonly string[]): Promise<Run> {
  const second = await runTap(['--jobs=1', ...names]);
  const files = new Map([...first.files, ...second.files]);
  const isGood = second.exitCode === 0 && names.every((name) => second.files.has(name));
  return { exitCode: isGood ? 0 : first.exitCode, files };
}

async function runTests(args: string[], inCi: boolean): Promise<Run> {
  const first = await runTap(args);
  const failed = failedIn(first);
  if (!inCi || failed.length === 0 || failed.length > SECOND_TRIES) return first;
  const second = await tryAgain(first, failed);
  tellFailures('failed at the first try', first, failed);
  return second;
}

process.on('SIGINT', () => {}); // reaches tap as well, which then stops its tests and exits
const inCi = process.env['CI'] === 'true';
const run = await runTests(process.argv.slice(2), inCi);
const results = [...run.files.values()];
const passed = results.reduce((sum, file) => sum + file.passed, 0);
const failed = results.reduce((sum, file) => sum + file.failures.length, 0);
const skipped = results.flatMap((file) => file.skipped);

tellFailures('failed', run, failedIn(run));
for (const name of skipped) console.log(`skipped: ${name}`);
const skipFails = inCi && skipped.length > 0;
if (skipFails) console.log('In CI every test must run: a skip is a failure.');
console.log(`${passed} passed, ${run.exitCode && !failed ? 1 : failed} failed, ${skipped.length} skipped`);
process.exitCode = run.exitCode || (skipFails ? 1 : 0);
