#!/usr/bin/env node
// The `longshore` command: one process, one command line, one exit code.
import manifest from '../package.json' with { type: 'json' };
import { EXIT_CODES } from './exit-codes.ts';
import { runCommandLine } from './run.ts';
import { worldOf } from './world.ts';

// `longshore logs x | head`: the reader has what it wants.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT_CODES.ok.code : EXIT_CODES.failed.code);
});

const exitCode = await runCommandLine(process.argv.slice(2), worldOf(process), manifest.version);
// Sockets kept alive for the next request would hold the process for seconds.
process.exit(exitCode);
