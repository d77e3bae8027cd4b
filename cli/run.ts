// One command line from its words to its exit code. What fails is said once, here.
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { ProgramExit } from './failures.ts';
import { printError } from './output.ts';
import { runProgram } from './program.ts';
import type { World } from './world.ts';

export async function runCommandLine(args: string[], world: World, version: string): Promise<number> {
  try {
    await runProgram(args, world, version);
    return EXIT_CODES.ok.code;
  } catch (error) {
    const exitCode = exitCodeOf(error);
    // Whoever pressed Ctrl-C knows why it ended.
    if (exitCode !== EXIT_CODES.interrupted.code && !(error instanceof ProgramExit)) printError(world, error);
    return exitCode;
  }
}
