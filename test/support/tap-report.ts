// Reads what tap reports (TAP 14, one subtest a file): what ran, what failed and why. Pure.
//
// A test is what a test file holds at its top level; the asserts and steps inside it are not counted. A skip counts at
// any depth, because it is something that did not run. A file that runs others has these as its tests, and they count as
// files.

/** What became of one test file. */
export interface FileResult {
  passed: number;
  failures: Failure[];
  /** Each by name and reason. */
  skipped: string[];
}

export interface Failure {
  /** Null: no test of the file failed, the file did: it crashed, hung, or holds none. */
  test: string | null;
  /** The first diagnostic inside it, which is of the assert that failed. */
  why: string[];
}

const RESULT = /^( *)(not )?ok \d+(?: - (.*?))?( \{)?$/;
const DIRECTIVE = /^(.*?) ?# (SKIP|TODO)\b ?(.*)$/i;
const TIME = / # time=[\d.]+m?s$/;
const TOP_LEVEL_OF_A_FILE = 4; // columns: tap indents a file's tests by four
const TEST_FILE = /^test\/.*\.test\.ts$/;
const WHY_LINES = 40;

/** By file name. */
export function readReport(tap: string): Map<string, FileResult> {
  const files = new Map<string, FileResult>();
  let file: FileResult = { passed: 0, failures: [], skipped: [] };
  let why: string[] = [];
  let inner: FileResult[] = [];
  for (const { indent, isOk, name, skip, diagnostic } of resultsIn(tap)) {
    if (!isOk && why.length === 0) why = diagnostic.slice(0, WHY_LINES);
    if (skip !== undefined) file.skipped.push(name + (skip && `: ${skip}`));
    if (indent > TOP_LEVEL_OF_A_FILE) continue;
    if (indent === 0) {
      const isTold = inner.some(({ failures }) => failures.length > 0);
      if (!isOk && !isTold && file.failures.length === 0) file.failures.push({ test: null, why });
      if (inner.length === 0 || file.failures.length > 0) files.set(name, file);
      file = { passed: 0, failures: [], skipped: [] };
      inner = [];
    } else if (TEST_FILE.test(name)) {
      const one: FileResult = {
        ...file,
        passed: isOk && skip === undefined ? 1 : 0,
        failures: isOk ? [] : [{ test: null, why }],
      };
      inner.push(one);
      files.set(name, one);
      file = { passed: 0, failures: [], skipped: [] };
    } else if (skip === undefined) {
      if (isOk) file.passed += 1;
      else file.failures.push({ test: name, why });
    }
    why = [];
  }
  return files;
}

interface Result {
  indent: number;
  isOk: boolean;
  name: string;
  /** Why it did not run; undefined when it did. */
  skip: string | undefined;
  diagnostic: string[];
}

function* resultsIn(tap: string): Generator<Result> {
  for (const { line, diagnostic } of withDiagnostics(tap)) {
    const result = RESULT.exec(line);
    if (!result) continue;
    const [, indent = '', notOk, text = ''] = result;
    const directive = DIRECTIVE.exec(text);
    const name = (directive?.[1] ?? text).replace(TIME, '').replaceAll('\\#', '#');
    yield { indent: indent.length, isOk: !notOk, name, skip: directive?.[3], diagnostic };
  }
}

interface Line {
  line: string;
  diagnostic: string[];
}

/** A diagnostic quotes source and output, which may well look like results. */
function* withDiagnostics(tap: string): Generator<Line> {
  let held: Line | undefined;
  let closing: string | undefined;
  for (const line of tap.split('\n')) {
    if (line === closing) closing = undefined;
    else if (closing !== undefined) held?.diagnostic.push(line);
    else if (/^ *---$/.test(line)) closing = line.replace('---', '...');
    else {
      if (held) yield held;
      held = { line, diagnostic: [] };
    }
  }
  if (held) yield held;
}
