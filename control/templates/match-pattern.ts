// A variable's pattern comes from whoever wrote the template, and the value from somebody else: together they can keep a
// backtracking matcher busy for years. So it runs where it can be stopped.
import { createContext, Script, type Context } from 'node:vm';

/** By the clock on the wall: every other request waits meanwhile. A real pattern takes microseconds. */
const ROUND_LIMIT_MS = 50;
/** Of the processor's time. A round that was stopped with less had no chance: the machine ran something else. */
const MATCH_LIMIT_MS = 25;

const MATCH = new Script('new RegExp(`^(?:${pattern})$`, "u").test(value)');

/** Whether the pattern takes the whole value; undefined when it does not come to an end. */
export function matchesWhole(pattern: string, value: string): boolean | undefined {
  // An empty context without code generation: the pattern and the value are data in it, never a program.
  const context = createContext({ pattern, value }, { codeGeneration: { strings: false, wasm: false } });
  const start = process.threadCpuUsage();
  let matches: boolean | undefined;
  do matches = matchOnce(context);
  while (matches === undefined && spentMs(start) < MATCH_LIMIT_MS);
  return matches;
}

function matchOnce(context: Context): boolean | undefined {
  try {
    return MATCH.runInContext(context, { timeout: ROUND_LIMIT_MS }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}

function spentMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}
