// The command line as a whole: finds the command, loads it, lets yargs read the rest. Every mistake in it leaves here as
// a LongshoreError, like every other failure.
import yargs, { type Argv, type FallbackCompletionFunction } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import { COMMANDS } from './commands.ts';
import { fetchCompletions } from './completion.ts';
import { toUsageError } from './usage-error.ts';
import type { World } from './world.ts';

/** Help wider than this is hard to read. */
const MAX_HELP_COLUMNS = 110;
const COMPLETION_HELP = 'Print a completion script for bash or zsh';

/** Runs one command line to its end; throws what made it fail. `up`, `control` and `agent` end by themselves. */
export async function runProgram(args: string[], world: World, version: string): Promise<void> {
  // Fetched before: yargs checks a subcommand's arguments as soon as a completion does not answer at once.
  const names = await fetchCompletions(world, args);
  const program = yargs(args)
    .scriptName('longshore')
    .usage('$0 <command>\n\nRun a fleet of Docker hosts from one REST API.')
    .version(version)
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false, 'populate--': true })
    .wrap(Math.min(world.stdout.columns || MAX_HELP_COLUMNS, MAX_HELP_COLUMNS))
    .strict()
    .demandCommand(1, 'Which command?')
    .check(({ _: [name], '--': words }) => {
      if (name === 'exec' || name === 'schedules' || words === undefined) return true; // there they are somebody else's
      throw new LongshoreError('bad_request', { message: 'Nothing is expected behind --' });
    })
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof Error && error.name !== 'YError'
        ? error
        : toUsageError(message || error.message, commandOf(args));
    });
  await addCommands(program, args, world);
  const complete: FallbackCompletionFunction = (_current, _args, withDefaults, done) =>
    withDefaults((_error, words) => done([...names, ...(words ?? [])]));
  program.completion('completion', COMPLETION_HELP, complete);
  await program.parseAsync();
}

/** All by name, so that help lists them; the one that is asked for with all it has. */
async function addCommands(program: Argv, args: string[], world: World): Promise<void> {
  const wanted = commandOf(args);
  for (const [name, { describe, load }] of Object.entries(COMMANDS)) {
    if (name !== wanted) program.command(name, describe);
    else (await load()).command.add(program, describe, world);
  }
}

const commandOf = (args: string[]) => args.find((word) => Object.hasOwn(COMMANDS, word));
