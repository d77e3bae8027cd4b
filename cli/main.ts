#!/usr/bin/env node
// The `longshore` command: one world, one run, one exit code.
import manifest from '../package.json' with { type: 'json' };
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { printError } from './output.ts';
import { runProgram } from './program.ts';
import { worldOf } from './world.ts';

// `longshore logs x | head`: the reader has what it wants.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT_CODES.ok.code : EXIT_CODES.failed.code);
});

const world = worldOf(process);
try {
  await runProgram(process.argv.slice(2), world, manifest.version);
  process.exitCode = EXIT_CODES.ok.code;
} catch (error) {
  const exitCode = exitCodeOf(error);
  if (exitCode !== EXIT_CODES.interrupted.code) printError(world, error);
  process.exit(exitCode);
}
