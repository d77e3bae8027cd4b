// Commands as documents print them, taken apart into an argv without a shell: quotes, `'\''` and line ends with a
// backslash count, everything else is text. A bare `?a=1&b=2` stays one word, as whoever wrote it meant.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const WORD = /(?:[^\s'"\\]|\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*")+/g;
const PART = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^'"\\]+)/g;

/** `curl -d '{"a": 1}' \⏎ "https://x"` → `['curl', '-d', '{"a": 1}', 'https://x']`. */
export function splitCommand(command: string): string[] {
  const words = command.replaceAll(/\\\r?\n/g, ' ').match(WORD) ?? [];
  return words.map((word) =>
    word.replaceAll(PART, (_, single?: string, double?: string, escaped?: string, bare?: string) => {
      return single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? bare ?? '';
    }),
  );
}

export interface CurlAnswer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** Runs a `curl` command as it stands and returns what it got. */
export async function runCurl(argv: readonly string[]): Promise<CurlAnswer> {
  const [program = '', ...args] = argv;
  const { stdout } = await run(program, ['--silent', '--show-error', '--max-time', '90', '--include', ...args]);
  const end = stdout.indexOf('\r\n\r\n');
  const [first = '', ...lines] = stdout.slice(0, end).split('\r\n');
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2),
  ]);
  const text = stdout.slice(end + 4);
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: text === '' ? null : JSON.parse(text),
  };
}
