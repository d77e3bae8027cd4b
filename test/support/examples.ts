// The examples that documents print, run as they stand: Python and JavaScript by their own interpreters, `curl` by
// itself. A key is sent also where the document's own system wants none.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCurl, splitCommand, type CurlAnswer } from './curl.ts';
import { runProgram } from './docker.ts';

const HERE = fileURLToPath(new URL('./examples', import.meta.url));

/** Who is called. */
export interface Server {
  url: string;
  key: string;
}

/** The code blocks of test/fixtures/dialects/<dialect>/examples.md of one language, in order. */
export function codeBlocks(dialect: string, language: 'python' | 'javascript' | 'bash'): string[] {
  const file = new URL(`../fixtures/dialects/${dialect}/examples.md`, import.meta.url);
  const blocks = readFileSync(file, 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return [...blocks].flatMap(([, name, code = '']) => (name === language ? [code] : []));
}

/** What it printed. `code`: a block with the host put in, and lines that call what it defines. */
export const runPython = (code: string, server: Server): Promise<string> =>
  runProgram('python3', ['-c', code], { env: { ...envOf(server), PYTHONPATH: HERE } });

/** As in a page: relative paths are the server's. */
export const runPage = (code: string, server: Server): Promise<string> =>
  runProgram(process.execPath, ['--import', `${HERE}/page.js`, '--input-type=module', '-e', code], {
    env: envOf(server),
  });

/** Every `curl` command of a block. */
export async function runCurls(code: string, { key }: Server): Promise<CurlAnswer[]> {
  const answers: CurlAnswer[] = [];
  for (const command of code.split(/^(?=curl )/m).filter((it) => it.startsWith('curl '))) {
    const argv = splitCommand(command.replaceAll(/^#.*$/gm, ''));
    const own = argv.some((word) => /^(authorization|x-api-key):/i.test(word));
    answers.push(await runCurl(own ? argv : [...argv, '-H', `Authorization: Bearer ${key}`]));
  }
  return answers;
}

const envOf = ({ url, key }: Server) => ({ LONGSHORE_URL: url, LONGSHORE_API_KEY: key });
