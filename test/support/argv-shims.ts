// Programs that write down how they were called, and by whom, before they become the real ones. They stand first where
// programs are looked for.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { SYSTEM_PATH } from '../../agent/docker/child.ts';
import { makeFolder } from './folder.ts';

export interface Call {
  program: string;
  /** Without the program's own name. */
  args: string[];
  /** The command line of whoever called it. */
  parent: string;
}

export interface Shims {
  searchPath: string;
  /** Where the shim of a program is that is called by its path. */
  file: (program: string) => string;
  calls: () => Call[];
}

/** `programs`: what each name becomes, by name or by path. Removed when the test ends. */
export function makeShims(t: Test, programs: Readonly<Record<string, string>>): Shims {
  const folder = makeFolder(t, 'shims');
  const log = join(folder, 'calls.log');
  const fileOf = (name: string) => join(folder, name);
  for (const [name, real] of Object.entries(programs))
    writeFileSync(fileOf(name), shimOf(name, find(real), log), { mode: 0o755 });
  return {
    searchPath: `${folder}:${SYSTEM_PATH}`,
    file: fileOf,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []).map(parseCall),
  };
}

const parseCall = (line: string): Call => JSON.parse(line) as Call;

function find(program: string): string {
  const places = SYSTEM_PATH.split(':').map((folder) => join(folder, program));
  return places.find((file) => existsSync(file)) ?? program;
}

function shimOf(name: string, real: string, log: string): string {
  return `#!${process.execPath} --no-warnings
const { appendFileSync, readFileSync } = require('node:fs');
const parent = readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8').replaceAll('\\0', ' ').trim();
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ program: ${JSON.stringify(name)}, args, parent }) + '\\n');
process.execve(${JSON.stringify(real)}, [${JSON.stringify(name)}, ...args], process.env);
`;
}

/** Options whose next argument is a value, whatever it looks like. */
const TAKE_VALUES = ['-c', '-o', '-p', '-f', '--project-directory', '--env-file'];

/** What of a call holds one of the texts where it could be read as an option or a command. */
export function misplaced({ program, args }: Call, texts: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  // The last two of ssh are where to go and what to do there.
  const plain = program === 'ssh' ? args.slice(0, -2) : args.slice(0, end);
  return plain.filter((arg, index) => {
    const isValue = TAKE_VALUES.includes(plain[index - 1] ?? '') && !arg.startsWith('-');
    return !isValue && texts.some((text) => arg.includes(text));
  });
}

/** Whether a shell called it. */
export const isByShell = ({ parent }: Call): boolean => /(^|\/)(sh|bash|dash|ash|zsh|busybox)( |$)/.test(parent);
