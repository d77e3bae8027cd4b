// `longshore exec`: a program in a container of a service; its output and its exit code become ours.
import type { Argv } from 'yargs';
import { LongshoreError } from '#shared/errors.ts';
import type { ExecResult } from '../api-types.ts';
import { apiCommand, withSession, type Command, type Session } from '../command.ts';
import { runAttached } from '../exec-session.ts';
import { ProgramExit } from '../failures.ts';
import { parsePairs } from '../pairs.ts';
import { requireServiceId } from '../services.ts';

interface ExecArgs {
  name: string;
  service?: string | undefined;
  container?: string | undefined;
  user?: string | undefined;
  workdir?: string | undefined;
  env: string[];
  timeout?: number | undefined;
  interactive: boolean;
  tty: boolean;
  '--'?: string[];
}

const options = (yargs: Argv) =>
  apiCommand(yargs)
    .usage('$0 exec <name> [flags] -- COMMAND [ARGUMENTS…]')
    .positional('name', { type: 'string', demandOption: true, describe: 'Its name or id' })
    .option('service', { type: 'string', alias: 's', requiresArg: true, describe: 'Which service of its compose file' })
    .option('container', { type: 'string', requiresArg: true, describe: 'Which container, by name or id' })
    .option('user', { type: 'string', alias: 'u', requiresArg: true, describe: "Another user than the container's" })
    .option('workdir', { type: 'string', alias: 'w', requiresArg: true, describe: 'Another folder to start in' })
    .option('env', {
      type: 'string',
      array: true,
      default: [],
      alias: 'e',
      nargs: 1,
      describe: 'NAME=VALUE, repeatable',
    })
    .option('timeout', { type: 'number', requiresArg: true, describe: 'Seconds to wait without -i and -t (60)' })
    .option('interactive', { type: 'boolean', default: false, alias: 'i', describe: 'Pass stdin on' })
    .option('tty', { type: 'boolean', default: false, alias: 't', describe: 'Give it a terminal' });

export const command: Command = {
  add: (program, describe, world) => program.command('exec <name>', describe, options, withSession(world, exec)),
};

async function exec(session: Session, args: ExecArgs): Promise<void> {
  const { '--': words = [] } = args;
  const order = {
    command: requireCommand(words),
    service: args.service,
    container: args.container,
    user: args.user,
    working_dir: args.workdir,
    env: parsePairs(args.env, '--env'),
  };
  const path = `/api/services/${await requireServiceId(session.client, args.name)}/exec`;
  const { interactive, tty, timeout } = args;
  if (!interactive && !tty) return runOnce(session, path, { ...order, timeout_s: timeout });
  throw new ProgramExit(await runAttached(session, path, order, { takesInput: interactive, hasTerminal: tty }));
}

function requireCommand(words: string[]): string[] {
  if (words.length > 0) return words;
  throw new LongshoreError('bad_request', {
    message: 'Which command?',
    details: 'It stands behind --, as in `longshore exec shop -- ls -l /data`',
  });
}

/** Without an Idempotency-Key, so that Ctrl-C ends the program. */
async function runOnce({ world, client, output }: Session, path: string, body: object): Promise<void> {
  const { body: result } = await client.send<ExecResult>('POST', path, { body });
  if (output.isJson) output.json(result);
  else {
    world.stdout.write(result.stdout);
    world.stderr.write(result.stderr);
  }
  if (result.truncated) output.note('there was more output: with -i all of it comes');
  if (result.left_running) output.note(`it could not be ended and may still run in ${result.container}`);
  if (result.exit_code === null)
    throw new LongshoreError('timed_out', { message: `The command was ended after ${result.duration_ms} ms` });
  throw new ProgramExit(result.exit_code);
}
