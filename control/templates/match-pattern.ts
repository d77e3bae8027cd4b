// A variable's pattern comes from whoever wrote the template, and the value from somebody else: together they can keep a
// backtracking matcher busy for years. So it runs where it can be stopped.
import { createContext, Script } from 'node:vm';

/** A real pattern takes microseconds. Every other request waits meanwhile. */
const MATCH_LIMIT_MS = 50;

const MATCH = new Script('new RegExp(`^(?:${pattern})$`, "u").test(value)');

/** Whether the pattern takes the whole value; undefined when it does not come to an end. */
export function matchesWhole(pattern: string, value: string): boolean | undefined {
  try {
    // An empty context without code generation: the pattern and the value are data in it, never a program.
    const context = createContext({ pattern, value }, { codeGeneration: { strings: false, wasm: false } });
    return MATCH.runInContext(context, { timeout: MATCH_LIMIT_MS }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}
